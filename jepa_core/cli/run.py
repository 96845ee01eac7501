"""``jepa-run RECIPE``: train, evaluate, save."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from jepa_core.cli.options import DeviceOption, Overrides, PluginOption, RecipeArgument, make_registry, with_flags
from jepa_core.errors import JepaError


def run(
    recipe: RecipeArgument,
    overrides: Overrides = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Build everything, run one batch, write nothing.")] = False,
    output_dir: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder of the run, instead of the recipe's.")
    ] = None,
    seed: Annotated[int | None, typer.Option(metavar="N", help="Seed, instead of the recipe's.")] = None,
    max_steps: Annotated[
        int | None, typer.Option(metavar="N", help="Optimizer steps, instead of the recipe's.")
    ] = None,
    device: DeviceOption = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Delete the run in the folder and start anew.")
    ] = False,
    resume: Annotated[
        Path | None, typer.Option("--resume", metavar="DIR", help="Go on from this checkpoint, not from the last one.")
    ] = None,
    force_resume: Annotated[
        bool, typer.Option("--force-resume", help="Go on although recipe, data or number of processes changed.")
    ] = False,
    plugins: PluginOption = None,
) -> None:
    """Train, evaluate and save what RECIPE says.

    A finished run is shown, not repeated; an interrupted one goes on from its last checkpoint, and a finished one
    too where RECIPE has more steps by now.
    """
    from jepa_core.recipe.load import load_recipe
    from jepa_core.recipe.sources import find_recipe

    refuse_device(device)
    flags = with_flags(overrides, output_dir=output_dir and str(output_dir), seed=seed, training__max_steps=max_steps)
    if max_steps is not None:
        flags.append("training.num_train_epochs=null")  # a recipe has one of the two
    path = find_recipe(recipe)  # before the plugins, whose import takes seconds
    registry = make_registry(plugins)
    loaded = load_recipe(path, flags, registry=registry)
    refuse_missing(device)

    from jepa_core.display.terminal import say
    from jepa_core.launch.dry_run import dry_run as try_out
    from jepa_core.launch.resume import OtherRecipeThere
    from jepa_core.launch.run import run as run_recipe
    from jepa_core.report.console import show_result

    if dry_run:
        say(try_out(loaded, device=device, registry=registry))
        return
    if overwrite and (resume or force_resume):
        raise typer.BadParameter("starts anew, --resume goes on: give one of them", param_hint="--overwrite")
    given: dict[str, Any] = {"overwrite": overwrite, "resume": resume, "force_resume": force_resume}
    for words in loaded.older:
        say(words)
    try:
        result = run_recipe(loaded, **given, device=device, registry=registry, say=say)
    except OtherRecipeThere as error:
        said = with_flags(overrides, seed=seed, training__max_steps=max_steps)
        new = folder_beside(Path(loaded.output_dir), said)
        options = [*_repeated("--plugin", plugins), *_repeated("--device", [device] if device else [])]
        command = ["jepa-run", recipe, *_without_folder(said), *options, "--output-dir", str(new)]
        raise OtherRecipeThere(f"{error}\nTo keep both: {shlex.join(command)}") from error
    show_result(result, registry)


def folder_beside(folder: Path, overrides: Sequence[str]) -> Path:
    """Picks a folder that does not exist yet, named after the changed values.

    >>> folder_beside(Path("runs/cosine_k1"), ["objective.k=2"]).as_posix()
    'runs/cosine_k1-k2'
    """
    changed = (override.partition("=") for override in _without_folder(overrides))
    words = [re.sub(r"[^\w.]+", "", key.rpartition(".")[2] + value) for key, _, value in changed]
    name = "-".join([folder.name, *words])[:80]
    numbered = (folder.with_name(f"{name}{f'-{number}' if number > 1 else ''}") for number in range(1, 1000))
    return next(path for path in numbered if not path.exists())


def _without_folder(overrides: Sequence[str]) -> list[str]:
    return [override for override in overrides if not override.startswith("output_dir=")]


def _repeated(option: str, values: Sequence[object] | None) -> list[str]:
    return [part for value in values or () for part in (option, str(value))]


def refuse_device(device: str | None) -> None:
    """Raises BadParameter for what ``--device`` does not take."""
    if device not in (None, "cpu", "cuda", "mps"):
        raise typer.BadParameter(f"{device!r}: choose 'cpu', 'cuda' or 'mps'", param_hint="--device")


def refuse_missing(device: str | None) -> None:
    """Raises JepaError when a GPU is asked for and there is none, instead of training on the CPU."""
    import torch

    if device == "cuda" and not torch.cuda.is_available():
        raise JepaError("--device cuda: torch finds no CUDA device here")
    if device == "mps" and not torch.backends.mps.is_available():
        raise JepaError("--device mps: torch finds no Apple GPU here")
