"""The files of a study, beside its cells: study.json, table.md, curves.png, curves.svg."""

from __future__ import annotations

from filelock import FileLock

from jepa_core.errors import JepaError
from jepa_core.folder.run_folder import read_json, write_json, write_text
from jepa_core.registry import Registry
from jepa_core.study.curves import write_curves
from jepa_core.study.design import Design
from jepa_core.study.flops import step_flops
from jepa_core.study.results import StudyResult, read_results
from jepa_core.study.tables import markdown


def write_results(design: Design, registry: Registry) -> tuple[StudyResult, list[str]]:
    """Reads what there is so far and writes it; the result, and a line about the files.

    Several processes may do so at once. Raises JepaError where the folder can't be written to.
    """
    design.root.mkdir(parents=True, exist_ok=True)
    with FileLock(design.root / "study.lock"):
        result = read_results(design, _flops(design, registry))
        write_json(design.root / "study.json", result.to_json())
        write_text(design.root / "table.md", markdown(result))
        try:
            drawn = ", ".join(path.name for path in write_curves(result, design.root))
        except JepaError as error:
            drawn = f"no curves: {error}"
    return result, [f"{design.root}: study.json, table.md, {drawn}"]


def _flops(design: Design, registry: Registry) -> dict[str, int]:
    """Arm -> FLOPs of a training step, for those with a finished run; counted once, and kept in that run's folder,
    so that they go with it."""
    found: dict[str, int] = {}
    for name in design.study.arms:
        point = design.tuning(name).best
        cells = [] if point is None else design.report_cells(name, point)
        for cell in [cell for cell in cells if cell.folder.finished][:1]:
            path = cell.folder.flops
            if not path.is_file():
                write_json(path, {"step": step_flops(cell.recipe(registry), registry)})
            found[name] = read_json(path)["step"]
    return found
