"""``jepa-run verify``, ``show-mask`` and ``show-batch``: what a recipe does, before it trains for hours."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jepa_core.cli.options import Overrides, PluginOption, RecipeOrRun, by_kind, make_registry

if TYPE_CHECKING:
    from jepa_core.verify.context import Context


def verify(
    recipe: RecipeOrRun,
    overrides: Overrides = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where to write; by default verify/NAME beside the recipe's output_dir."),
    ] = None,
    processes: Annotated[
        int, typer.Option(min=1, max=4, metavar="N", help="Check the gradient of 2 to 4 processes too.")
    ] = 1,
    in_full: Annotated[bool, typer.Option("--all", help="Show every line, also of what holds.")] = False,
    plugins: PluginOption = None,
) -> None:
    """Prove that RECIPE trains what it says, with this model and this installation.

    Builds everything, takes real samples, and checks second views, selective loss, the one forward pass,
    layouts, supervision, denominators and health. With the folder of a finished run for RECIPE, it checks the trained
    weights. Writes verify.html, verify.json and a picture of the mask.
    Exit status 0 only if nothing failed.
    """
    context = _context(recipe, overrides, plugins, processes)

    from jepa_core.display.terminal import say
    from jepa_core.folder.files import refuse_read_only
    from jepa_core.folder.ours import refuse_foreign
    from jepa_core.progress import progress
    from jepa_core.verify.files import NAMES, default_folder, write_files
    from jepa_core.verify.grid import example_mask
    from jepa_core.verify.terminal import show_mask, show_verification
    from jepa_core.verify.verify import CHECKS
    from jepa_core.verify.verify import verify as run_checks

    folder = out or default_folder(context.run.recipe.output_dir)
    refuse_read_only(folder)
    refuse_foreign(*(folder / name for name in NAMES))  # before the checks, which take a while
    total = len(context.run.data.checks) + len(CHECKS)
    with progress(total=total, desc="verifying", unit="check", leave=False) as bar:
        found = run_checks(context, on_check=bar.update)
    show_mask(example_mask(context))
    show_verification(found, in_full)
    say(context.which_weights)
    for line in write_files(found, context, folder):
        say(line)
    if found.failed:
        raise typer.Exit(1)


def show_mask(
    recipe: RecipeOrRun,
    overrides: Overrides = None,
    plugins: PluginOption = None,
) -> None:
    """Draw which token of a sample may see which, layer by layer where layers differ."""
    context = _context(recipe, overrides, plugins)

    from jepa_core.verify.grid import example_mask
    from jepa_core.verify.terminal import show_mask as show

    show(example_mask(context))


def show_batch(
    recipe: RecipeOrRun,
    overrides: Overrides = None,
    samples: Annotated[
        int, typer.Option(min=1, metavar="N", help="How many; half of them with a pair, if there are.")
    ] = 4,
    plugins: PluginOption = None,
) -> None:
    """Show training samples token by token: tag, label, position, view, and which loss each pays."""
    context = _context(recipe, overrides, plugins)

    from jepa_core.verify.context import mode
    from jepa_core.verify.samples import mixed_rows, sample_tables
    from jepa_core.verify.terminal import show_samples

    rows = mixed_rows(context.counted_rows, context.other_rows, samples)
    batch = context.run.train_dataset.__getitems__(rows)
    with mode(context.objective, filters=True):
        show_samples(sample_tables(context.objective, context.run.vocabulary, batch, context.run.data.tags))


def _context(
    recipe: str,
    overrides: list[str] | None,
    plugins: list[str] | None,
    processes: int = 1,
) -> Context:
    """Builds the run of a recipe, or of a run's folder. Raises JepaError where recipe or data are wrong."""
    from jepa_core.folder.run_folder import RunFolder
    from jepa_core.recipe.load import load_recipe
    from jepa_core.recipe.sources import find_recipe

    folder = RunFolder(Path(recipe))
    of_run = folder.started and folder.path.is_dir()
    path = find_recipe(folder.recipe if of_run else recipe)  # before the plugins, whose import takes seconds
    registry = make_registry(plugins)
    from jepa_core.assembly.assemble import load_data, refuse_odd_folder
    from jepa_core.assembly.build import build_on
    from jepa_core.assembly.run_recipe import run_recipe

    if of_run:
        loaded = run_recipe(folder, registry, overrides or ())
    else:
        loaded = load_recipe(path, overrides or (), registry=registry)

    from jepa_core.verify.context import Context, Plugins

    weights = folder.model if of_run and folder.finished else None
    if weights is not None:
        folder.refuse_leading_out(*folder.files, weights)
    if weights is None:
        refuse_odd_folder(loaded)
    run = build_on(load_data(loaded, registry), loaded, registry, weights=weights)
    return Context(run, registry, processes, Plugins(*by_kind(plugins)), weights=weights)
