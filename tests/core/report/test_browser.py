"""Reports in headless Chromium: nothing fails, nothing is loaded, everything is to be seen, on a phone too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jepa_core.display.colours import COLOURS
from jepa_core.registry import Registry
from jepa_core.report.record import read_records
from jepa_core.report.report import write_report
from tests.browsing import visit
from tests.core.report.folders import make_run

pytestmark = pytest.mark.browser
LOOK = """
const boxes = [...document.querySelectorAll("figure svg")].map(svg => svg.getBoundingClientRect());
const styles = element => getComputedStyle(document.querySelector(element));
return {
  pictures: boxes.map(box => [box.width, box.height, box.left, box.right]),
  curves: [...document.querySelectorAll("figure path")].filter(path => path.getBoundingClientRect().width > 50).length,
  wide: document.documentElement.scrollWidth,
  loaded: performance.getEntriesByType("resource").map(entry => entry.name),
  paper: styles("body").backgroundColor, ink: styles("body").color, text: styles("figure text").fill,
};
"""


@pytest.fixture(scope="module", params=[1, 2], ids=["one run", "two runs"])
def page(request, tmp_path_factory) -> tuple[Path, int]:
    """A report, and how many pictures it has."""
    folder = tmp_path_factory.mktemp("runs")
    long = "a_run_by_a_long_name_without_any_place_to_break_it_"
    paths = [make_run(folder / f"{long}{k}", f"objective.k={k}") for k in range(request.param)]
    path = write_report(read_records(paths), folder / "report.html", Registry.discover())
    return path, path.read_text(encoding="utf-8").count("<figure ")


def look(browser: Any, path: Path, width: int, scheme: str) -> dict[str, Any]:
    visit(browser, path.as_uri(), width, scheme)
    return browser.execute_script(LOOK)


def rgb(colour: str) -> str:
    return f"rgb({', '.join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5))})"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_report(browser, page, width, scheme):
    path, pictures = page
    seen = look(browser, path, width, scheme)
    assert browser.get_log("browser") == []
    assert seen["loaded"] == []
    assert len(seen["pictures"]) == pictures > 10
    assert all(w > 250 and h > 150 and left >= 0 and right <= width for w, h, left, right in seen["pictures"])
    assert seen["curves"] > pictures
    assert seen["wide"] <= width  # no scrolling sideways
    paper, ink = (rgb(COLOURS[name][scheme == "dark"]) for name in ("--paper", "--ink"))
    assert (seen["paper"], seen["ink"], seen["text"]) == (paper, ink, ink)
