"""The page: everything on it, nothing from outside, text escaped."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser

import pytest

from jepa_core.verify.grid import example_mask
from jepa_core.verify.page import verification_page
from jepa_core.verify.row import Row, Verdict
from jepa_core.verify.verify import Verification
from tests.core.verify.breaking import tiny

ROWS = (
    Row("is <b>bold</b>", Verdict.FAIL, 3, "= 0", "one\ntwo & three", "here.py:1", "reversal"),
    Row("nothing", Verdict.NA, None, "", "no reason", "", "health"),
)
FOUND = Verification("tiny", ROWS, 1.25)


class Balanced(HTMLParser):
    """Every element is closed, but those that have no end."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attributes):
        if tag not in ("meta", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_startendtag(self, tag, attributes):
        pass


@pytest.fixture(scope="module")
def html() -> str:
    context = tiny()
    return verification_page(FOUND, context, example_mask(context))


def test_lines_are_there_and_escaped(html):
    assert "<title>Verification of tiny</title>" in html
    assert "tiny: FAILED: 1 fail, 1 not applicable; 1.2 seconds" in html
    assert 'is &lt;b&gt;bold&lt;/b&gt;</span><span class="figure">3 (= 0)' in html
    assert "one\ntwo &amp; three" in html
    assert "here.py:1" in html
    assert "<p>Weights: those that training begins with.</p>" in html
    found = re.findall("<h2[^>]*>(.*?)</h2>", html)
    assert found == ["Checks", "From batch to loss", "Mask", "Samples", "Recipe and versions"]
    assert re.findall("<h3>(.*?)</h3>", html) == ["1. Reversal", "2. Health"]


def test_it_is_whole_and_needs_nothing_from_outside(html):
    parser = Balanced()
    parser.feed(html)
    assert parser.open == []
    assert re.findall(r'(?:src|href)="(?!#|data:)([^"]*)"', html) == []
    assert "http" not in re.sub(r"https?://www\.w3\.org/\S*", "", html.split("Resolved recipe")[0])
    assert html.count("<svg") == 1
    assert "sample 0, train: pays NTP (1 label) and JEPA (1 pair)" in html


def test_without_matplotlib_the_mask_is_text(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    context = tiny()
    html = verification_page(FOUND, context, example_mask(context))
    assert "<svg" not in html
    assert "pictures need matplotlib" in html
    assert "every layer: 25 of 81 cells open" in html
