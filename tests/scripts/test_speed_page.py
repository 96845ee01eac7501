"""docs/SPEED.md shows the committed results, as they are."""

from __future__ import annotations

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def page():
    spec = spec_from_file_location("speed_page", ROOT / "scripts" / "speed_page.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_is_up_to_date(page):
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.filled(text) == text, "run: python scripts/speed_page.py"
    assert len(page.PART.findall(text)) >= 3


def test_a_part_is_replaced_and_its_heading_left_out(page, tmp_path, monkeypatch):
    monkeypatch.setattr(page, "ROOT", tmp_path)
    (tmp_path / "benchmarks" / "results").mkdir(parents=True)
    (tmp_path / "benchmarks" / "results" / "a.md").write_text("# Head\n\n| 1 |\n", encoding="utf-8")
    text = "before\n<!-- benchmarks/results/a.md -->\nold\n<!-- end -->\nafter\n"
    assert page.filled(text) == "before\n<!-- benchmarks/results/a.md -->\n\n| 1 |\n\n<!-- end -->\nafter\n"
