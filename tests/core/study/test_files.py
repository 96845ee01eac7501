"""What a study writes belongs to the runs that are there."""

from __future__ import annotations

import json
from pathlib import Path

from jepa_core.study import files
from tests.core.study.specimen import pretend, tiny


def test_flops_are_counted_once_for_each_run_and_go_with_it(registry, monkeypatch):
    """A run that is deleted and made anew, perhaps of another recipe, is counted anew."""
    design, counted = tiny(registry), []

    def step_flops(recipe, registry):
        counted.append(recipe.seed)
        return 100 * len(counted)

    monkeypatch.setattr(files, "step_flops", step_flops)
    (cell, _) = design.report_cells("jepa", design.tuning("jepa").best)
    pretend(cell.recipe(registry))

    def told() -> int:
        files.write_results(design, registry)
        return json.loads(Path("out/study.json").read_text())["arms"]["jepa"]["flops_per_step"]

    assert (told(), told()) == (100, 100)
    cell.folder.clear()
    assert not any(cell.folder.path.iterdir())
    pretend(cell.recipe(registry))
    assert told() == 200
