from __future__ import annotations

from pathlib import Path

from jepa_core.launch.result import Result

METRICS = {"train": {"mrr": 1.0, "ntp_loss": 0.5}, "test": {"mrr": 0.25, "jepa_loss": None, "layers": {"1": {}}}}


def test_a_result_in_a_line():
    assert repr(Result(METRICS, Path("runs/a"))) == "Result(trained, runs/a: train mrr 1.0000, test mrr 0.2500)"


def test_in_a_notebook_it_is_a_table_of_all_figures_but_lists():
    html = Result(METRICS, Path("runs/<a>"))._repr_html_()
    assert html.startswith("<b>Result(trained, runs/&lt;a&gt;")
    assert html.count("<tr>") == 1 + 3
    assert "layers" not in html
    assert "0.2500" in html
