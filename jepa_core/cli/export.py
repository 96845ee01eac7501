"""``jepa-run export``: a finished run as a plain folder of transformers'."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from jepa_core.cli.options import Modules, PluginFiles, RunFolderArgument, make_registry
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
    modules: Modules = None,
    plugin_files: PluginFiles = None,
) -> None:
    """Write model and tokenizer of a finished run as a folder that transformers' pipelines take."""
    from jepa_core.assembly.export import export as write

    registry = make_registry(modules, plugin_files)
    written = write(run_dir, directory, merge=merge, keep_predictors=keep_predictors, registry=registry)
    typer.echo(plain(f"written    {written}"))
