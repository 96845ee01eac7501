"""``jepa-run study``: several arms, tuned, repeated over seeds, and compared."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jepa_core.cli.options import DeviceOption, PluginOption, by_kind, make_registry
from jepa_core.streams import plain

if TYPE_CHECKING:
    from jepa_core.study.design import Design
    from jepa_core.study.results import StudyResult


def study(
    file: Annotated[Path, typer.Argument(metavar="STUDY.yaml", help="A study file, as above.")],
    processes: Annotated[int, typer.Option(min=1, metavar="N", help="Workers, which share this machine's cores.")] = 1,
    table: Annotated[bool, typer.Option("--table", help="Run nothing; show and write what there is so far.")] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Run again what failed before; else it stays failed.")
    ] = False,
    device: DeviceOption = None,
    plugins: PluginOption = None,
) -> None:
    """Run every arm of a study with every seed, and compare them at the same steps and the same FLOPs.

    \b
        description: Does the JEPA term help?
        output_dir: runs/studies/help
        metric: test.mrr                   what tuning maximises and curves show
        metrics: [test.joint_accuracy]     more columns of the table
        seeds: [1, 2, 3, 4, 5]
        tune: {seeds: [0]}                 arms with a grid are tuned first
        report: {overrides: []}            changed in every reported run
        arms:
          ntp_only:
            recipe: ntp_only
            grid: {training.learning_rate: [1e-3, 2e-3]}
          cosine: {recipe: my/cosine.yaml, label: with JEPA}
          far:
            recipe: my/cosine.yaml
            overrides: [objective.k=0]
            without: cosine

    An arm that is "without" another is an ablation of it: without a grid it takes that arm's point, and it
    has no say in what is matched.

    Each run is one of jepa-run's, in OUTPUT_DIR/cells. Ctrl-C leaves checkpoints, and the same command goes
    on. Start it as often as you like, on as many machines as see the folder: no run is done twice. A run that
    fails is noted, the others go on, and the exit status is 1.

    Writes study.html, study.json, table.md, curves.png and curves.svg (needs the extras plots and study).
    """
    from jepa_core.cli.run import refuse_device, refuse_missing
    from jepa_core.recipe.strict_yaml import load_yaml

    refuse_device(device)
    arms = load_yaml(file).data  # before the plugins, whose import takes seconds
    _say_at_once(file, arms)
    registry = make_registry(plugins)

    from jepa_core.display.terminal import say
    from jepa_core.study.files import refuse_foreign_results, write_results
    from jepa_core.study.load import load_study
    from jepa_core.study.worker import retry_failed as forget_failures
    from jepa_core.study.worker import work

    refuse_missing(device)
    design = load_study(file, registry)
    for line in design.note_other_runs(registry):
        say(line)
    refuse_foreign_results(design)  # before anything is run for hours
    if retry_failed:
        forget_failures(design)
    if not table and not design.finished:
        if processes > 1:
            _in_processes(design, processes, plugins, device)
        else:
            work(design, registry, device=device, say=say)
    design.note_other_runs(registry)  # of a folder that was filled meanwhile
    result, written = write_results(design, registry)
    _show(result)
    for line in written:
        say(line)
    if any(result.failures()):
        raise typer.Exit(1)


def _say_at_once(file: Path, data: object) -> None:
    """Prints the arms that the file names before anything slow is imported; its mistakes are told later."""
    arms = data.get("arms") if isinstance(data, dict) else None
    names = ", ".join(map(str, arms)) if isinstance(arms, dict) else "…"
    typer.echo(plain(f"{file}: arms {names}; reading recipes and plugins"), err=True)


def _show(result: StudyResult) -> None:
    """Prints the study's tables, and the notes to them."""
    from jepa_core.display.terminal import print_table, say
    from jepa_core.study.tables import notes, study_tables

    for table in study_tables(result):
        say(table.title)
        print_table(table.columns, table.rows)
    for note in notes(result):
        say(note)


def _in_processes(design: Design, count: int, plugins: list[str] | None, device: str | None) -> None:
    """Runs the study in `count` worker processes, with a progress bar over the cells."""
    from jepa_core.progress import progress
    from jepa_core.study.workers import work_in_processes

    with progress(total=design.size, initial=design.settled, desc="study", unit="run") as bar:

        def tick() -> None:
            bar.update(design.settled - bar.n)

        modules, files = by_kind(plugins)
        work_in_processes(design, count, modules=modules, files=files, device=device, tick=tick)
        tick()
