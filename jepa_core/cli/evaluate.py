"""``jepa-run eval``: measure a finished run again."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from jepa_core.cli.options import PluginOption, RunFolderArgument, make_registry
from jepa_core.streams import only_results_on_stdout, plain


def evaluate(
    run_dir: RunFolderArgument,
    data: Annotated[
        str | None, typer.Option(metavar="FILE", help="Evaluate on this file instead, which the run need not know.")
    ] = None,
    per_layer: Annotated[
        bool, typer.Option("--per-layer", help="Read every layer through final norm and output embedding.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    plugins: PluginOption = None,
) -> None:
    """Evaluate the model of a finished run on its data, or on a file; the run's folder stays as it is."""
    from jepa_core.assembly.load import evaluate_again
    from jepa_core.folder.run_folder import RunFolder
    from jepa_core.report.console import show_metrics

    registry = make_registry(plugins)

    def warn(message: str) -> None:
        typer.echo(plain(message), err=True)

    with only_results_on_stdout():
        metrics = evaluate_again(run_dir, per_layer or None, registry, warn, data)
    if as_json:
        typer.echo(json.dumps(metrics, indent=2, allow_nan=False))
    else:
        show_metrics(metrics, registry, RunFolder(run_dir).captions, per_layer)
