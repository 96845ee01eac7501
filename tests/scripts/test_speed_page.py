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


def test_views_by_hand(page, tmp_path):
    """The page has two cases and two arms; two tables stand one behind the other."""
    (tmp_path / "a.csv").write_text(
        "case,,ms,times fewer,of the floor,times as fast\n"
        f'small,"{page.NAIVE}",2,1.00,50 %,1.00\nsmall,"{page.PUBLIC}",4,0.50,25 %,0.50\n'
        f'small,"{page.OURS}",1,1.50,75 %,2.00\nsmall,floor,,2.00,,\n'
    )
    steps = list(page.tables_of(tmp_path / "a.csv"))
    assert list(page.cases(*steps)[0].values()) == ["small", "2", "1", "2.00", "1.50", "75 %", "4"]
    assert [row["small"] for row in page.savings(*steps)] == ["1.00 (1.00)", "0.50 (0.50)", "2.00 (1.50)", "(2.00)"]
    (tmp_path / "b.md").write_text(
        "| lengths like | layout | times |\n| --- | --- | --- |\n| short | ours | 1 |\n| long | public | 8 |\n\n"
        "| lengths like | way | times |\n| --- | --- | --- |\n| short | public | 9 |\n"
    )
    assert page.drawn(page.ways(*page.tables_of(tmp_path / "b.md"))) == (
        "| way | short, operations | long, operations | short, time |\n| --- | --- | --- | --- |\n"
        "| ours | 1 |  |  |\n| public |  | 8 | 9 |"
    )
