"""The tables of a study, as text: the terminal and ``table.md`` show the same."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from jepa_core.report.tables import Rows, duration
from jepa_core.streams import plain
from jepa_core.study.cells import point_data
from jepa_core.study.results import ArmResult, StudyResult

NOTHING = "–"


@dataclass(frozen=True)
class StudyTable:
    title: str
    columns: tuple[str, ...]
    rows: Rows


def study_tables(result: StudyResult) -> Iterator[StudyTable]:
    """Yields the comparisons at the end, at the same steps and the same FLOPs; ablations arm by arm; the costs."""
    main = [arm for arm in result.arms if arm.without is None]
    for comparison, title in _comparisons(result).items():
        yield _compared(result, title, main, comparison)
    for arm in main:
        ablations = [other for other in result.arms if other.without == arm.name]
        if ablations:
            yield _compared(result, f"{arm.label}, one thing changed", [arm, *ablations], "end")
    yield StudyTable(
        "What it took",
        ("arm", "tuned to", "steps", "FLOPs a step", "FLOPs", "time of a run"),
        [_cost(arm) for arm in result.arms],
    )


def markdown(result: StudyResult) -> str:
    """The page ``table.md``."""
    parts = [result.study.description] if result.study.description else []
    for table in study_tables(result):
        lines = [_line(table.columns), _line(["---"] * len(table.columns)), *map(_line, table.rows)]
        parts.append(f"**{table.title}**\n\n" + "\n".join(lines))
    parts += [note for note in notes(result) if note]
    return "\n\n".join(parts) + "\n"


def notes(result: StudyResult) -> list[str]:
    """A legend to the tables' figures, and a line for each failed run."""
    found = [
        "Mean over the seeds ± half the width of its 95 % interval (Student's t). Within steps or FLOPs: each run's "
        "last evaluation within the smallest total of the arms compared; FLOPs are the matrix products of training. "
        f"{NOTHING}: no evaluation that early (training.eval_steps), or none of this name."
    ]
    failed = (f"{cell.state}: {cell.cell.name}: {' '.join(cell.error.split())}" for cell in result.failures())
    return found + [plain(line) for line in failed]


def _comparisons(result: StudyResult) -> dict[str, str]:
    found = {"end": "At the end of training"}
    if result.steps is not None:
        found["steps"] = f"At the same steps, {result.steps:,}"
    if result.flops is not None:
        found["flops"] = f"At the same FLOPs, {result.flops:.3g}"
    return found


def _compared(result: StudyResult, title: str, arms: Sequence[ArmResult], comparison: str) -> StudyTable:
    columns = result.study.columns
    rows = []
    for arm in arms:
        steps = result.limits(arm)[comparison]
        found = [None if steps is None else arm.summary(column, steps) for column in columns]
        rows.append([arm.label, _seeds(arm), *(NOTHING if one is None else str(one) for one in found)])
    return StudyTable(title, ("arm", "seeds", *columns), rows)


def _seeds(arm: ArmResult) -> str:
    """The number of finished runs, of how many if some are not, and the number of failures."""
    if not arm.cells:
        return "tuning failed" if arm.tuning.complete else "tuning"
    failed = sum(bool(result.error) for result in arm.cells)
    done = len(arm.finished)
    text = str(done) if done == len(arm.cells) else f"{done} of {len(arm.cells)}"
    return f"{text}, {failed} failed" if failed else text


def _cost(arm: ArmResult) -> list[str]:
    point = NOTHING if not arm.point else ", ".join(f"{key}={value}" for key, value in point_data(arm.point).items())
    seconds = [result.seconds for result in arm.finished]
    return [
        arm.label,
        point,
        f"{arm.steps:,}" if arm.finished else NOTHING,
        f"{arm.flops:.3g}" if arm.flops else NOTHING,
        f"{arm.flops * arm.steps:.3g}" if arm.flops else NOTHING,
        duration(sum(seconds) / len(seconds)) if seconds else NOTHING,
    ]


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
