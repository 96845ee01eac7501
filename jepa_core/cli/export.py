"""``jepa-run export``: a finished run as a plain folder of transformers'."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jepa_core.cli.options import PluginOption, RunFolderArgument, make_registry
from jepa_core.streams import plain


def export(
    run_dir: RunFolderArgument,
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is empty or not there.")],
    merge: Annotated[
        bool, typer.Option("--merge", help="Of a run with LoRA: pretrained weights and adapters as one model.")
    ] = False,
    keep_predictors: Annotated[
        bool, typer.Option("--keep-predictors", help="Keep the predictor tokens and their rows.")
    ] = False,
    push: Annotated[
        str | None, typer.Option("--push-to-hub", metavar="ID", help="Upload the folder to the Hugging Face Hub too.")
    ] = None,
    private: Annotated[bool, typer.Option("--private", help="With --push-to-hub: only you see it.")] = False,
    plugins: PluginOption = None,
) -> None:
    """Write model and tokenizer of a finished run as a folder that transformers' pipelines take."""
    from jepa_core.assembly.export import export as write
    from jepa_core.assembly.push import check_id, push_to_hub

    if private and push is None:
        raise typer.BadParameter("has no effect without --push-to-hub", param_hint="--private")
    if push is not None:
        check_id(push)  # before anything is written
    registry = make_registry(plugins)
    written = write(run_dir, directory, merge=merge, keep_predictors=keep_predictors, registry=registry)
    typer.echo(plain(f"written    {written}"))
    if push is not None:
        typer.echo(plain(f"uploaded   {push_to_hub(written, push, private)}"))
