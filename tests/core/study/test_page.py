"""A study's page has the tables and curves that its other files have."""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape, unescape

import pytest

from jepa_core.study.page import study_page
from jepa_core.study.results import StudyResult, read_results
from jepa_core.study.tables import study_tables
from tests.core.display.test_html import Balanced
from tests.core.study.specimen import ABLATION, STUDY, pretend, tiny


@pytest.fixture
def result(registry) -> StudyResult:
    text = STUDY.replace("with JEPA", "with <JEPA>") + ABLATION.replace("without: ntp", "without: jepa")
    design = tiny(registry, text)
    for name, finals in (("jepa", (0.3, 0.6)), ("lame", (0.9,))):
        for cell, mrr in zip(design.known_cells(name), finals, strict=True):
            pretend(cell.recipe(registry), mrr)
    return read_results(design, {"jepa": 100})


def test_every_table_is_on_it(result):
    html = study_page(result, "out")
    cells = [unescape(cell) for cell in re.findall(r"<t[hd][^>]*>([^<]*)</t[hd]>", html)]
    for each in study_tables(result):
        assert f"<h3>{escape(each.title)}</h3>" in html
        for row in (each.columns, *each.rows):
            assert any(cells[i : i + len(row)] == list(row) for i in range(len(cells))), row
    assert Balanced(html).open == []
    assert "<title>Study out</title>" in html
    assert "with <JEPA>" not in html


def test_a_picture_over_steps_and_one_over_flops_say_where_arms_begin_and_end(result):
    figures = re.findall(r'<figure role="img" aria-label="([^"]*)"', study_page(result, "out"))
    assert [unescape(words).partition(", mean")[0] for words in figures] == [
        "test.mrr over steps",
        "test.mrr over FLOPs",
    ]
    assert "with <JEPA>: from 0.15 to 0.45" in unescape(figures[1])
    assert ["lame: " in words for words in figures] == [True, False], "its FLOPs are not known"


def test_without_curves_it_says_why(result):
    html = study_page(replace(result, arms=()), "out")
    assert "No curves: no run measured test.mrr more than once; training.eval_steps makes it so." in html
    assert "<figure" not in html
