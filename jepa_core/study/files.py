"""The files of a study, beside its cells: study.html, study.json, table.md, curves.png, curves.svg."""

from __future__ import annotations

from jepa_core.display.html import write_page
from jepa_core.errors import JepaError
from jepa_core.folder.files import read_json, refuse_read_only, write_json
from jepa_core.folder.lock import shared_lock
from jepa_core.folder.ours import TABLE, refuse_foreign, write_own, write_own_json
from jepa_core.registry import Registry
from jepa_core.study.cells import Cell
from jepa_core.study.curves import NAMES as CURVES
from jepa_core.study.curves import write_curves
from jepa_core.study.design import Design
from jepa_core.study.flops import step_flops
from jepa_core.study.page import study_page
from jepa_core.study.results import StudyResult, read_results
from jepa_core.study.tables import markdown
from jepa_core.study.tuning import unknown_metrics

#: The files that stand beside the cells.
RESULTS = ("study.html", "study.json", "table.md", *CURVES)


def refuse_foreign_results(design: Design) -> None:
    """Raises JepaError naming a file of the user that the study would write over, or a folder that takes nothing."""
    refuse_read_only(design.root)
    refuse_foreign(*(design.root / name for name in RESULTS))


def write_results(design: Design, registry: Registry) -> tuple[StudyResult, list[str]]:
    """Reads and writes the results so far; returns them, with lines about metrics, FLOPs and files.

    Several processes may do so at once. Raises JepaError where the folder can't be written to, or holds a file of
    the user with one of these names.
    """
    design.root.mkdir(parents=True, exist_ok=True)
    with shared_lock(design.root / "study.lock"):
        refuse_foreign_results(design)
        flops, missing = _flops(design, registry)
        result = read_results(design, flops)
        write_own_json(design.root / "study.json", result.to_json())
        write_own(design.root / "table.md", f"{TABLE}\n\n{markdown(result)}".encode())
        write_page(design.root / "study.html", study_page(result, design.root.name))
        try:
            drawn = ", ".join(path.name for path in write_curves(result, design.root))
        except JepaError as error:
            drawn = f"no curves: {error}"
    return result, [*_unknown(result), *missing, f"{design.root}: study.html, study.json, table.md, {drawn}"]


def _unknown(result: StudyResult) -> list[str]:
    """A warning for each metric of the study that is missing in the first finished run of every arm."""
    firsts = [arm.finished[0].cell.figures for arm in result.arms if arm.finished]
    told = [set(unknown_metrics(result.study.columns, figures)) for figures in firsts]
    return [f"warning: {words}" for words in sorted(set.intersection(*told))] if told else []


def _flops(design: Design, registry: Registry) -> tuple[dict[str, int], list[str]]:
    """Arm -> FLOPs of a training step, for arms with a finished run; counted once, and kept in that run's folder,
    so that they go with it. Returns also a line for each arm whose FLOPs can't be counted."""
    found: dict[str, int] = {}
    missing: list[str] = []
    for name in design.study.arms:
        point = design.tuning(name).best
        cells = [] if point is None else design.report_cells(name, point)
        for cell in [cell for cell in cells if cell.folder.finished and not cell.taken][:1]:
            try:
                found[name] = _noted(cell) or _count(cell, registry)
            except JepaError as error:  # its data may be gone; the figures of the runs are not
                missing.append(f"no FLOPs of {name}: {error}")
    return found, missing


def _count(cell: Cell, registry: Registry) -> int:
    counted = step_flops(cell.recipe(registry), registry)
    write_json(cell.folder.flops, {"step": counted})
    return counted


def _noted(cell: Cell) -> int | None:
    """The FLOPs noted in the run's folder; None, so that they are counted again, where missing or damaged."""
    try:
        noted = read_json(cell.folder.flops)
    except JepaError:
        return None
    step = noted.get("step") if isinstance(noted, dict) else None
    return step if type(step) is int and step > 0 else None
