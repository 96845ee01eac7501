"""A page stands alone: no network, nothing that text could break."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from jepa_core.display.chart import Chart, Line, Series
from jepa_core.display.colours import SERIES
from jepa_core.display.drawing import draw_chart
from jepa_core.display.html import (
    folded,
    legend,
    note,
    page,
    picture,
    pictures,
    section,
    table,
    write_page,
)
from jepa_core.errors import JepaError
from jepa_core.folder.ours import PAGE

WILD = "<b>&\"'</b>"
SAFE = "&lt;b&gt;&amp;&quot;&#x27;&lt;/b&gt;"
VOID = {"meta", "link", "br", "img"}


class Balanced(HTMLParser):
    """Fails where an element is closed that is not open."""

    def __init__(self, text: str):
        super().__init__()
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def chart(title: str = "Loss"):
    return draw_chart(Chart(title, (Line("a", "", Series((1, 2), (3.0, 4.0)), 0),)))


def test_text_is_text():
    parts = [note(WILD), legend([WILD]), table([WILD], [[WILD, WILD]]), folded(WILD, WILD), section(WILD, "x")]
    whole = page(WILD, "\n".join([*parts, picture(chart(), WILD)]))
    assert WILD not in whole
    assert [part.count(SAFE) for part in parts] == [1, 1, 3, 2, 1]
    assert f'aria-label="{SAFE}"' in whole
    assert Balanced(whole).open == []
    assert whole.count("<title>") == 1


def test_what_is_empty_leaves_nothing():
    assert note("") == section("Title") == section("Title", "", note("")) == pictures([]) == ""


def test_a_table():
    text = table(["metric", "train"], [["mrr", "0.5"]], "figures")
    assert '<tr><th scope="col">metric</th><th scope="col">train</th></tr>' in text
    assert '<tr><th scope="row">mrr</th><td>0.5</td></tr>' in text
    assert 'class="figures"' in text


class TestPicture:
    def test_it_is_inline_without_anything_of_a_file(self):
        text = picture(chart(), "A loss.")
        assert re.match(r'<figure role="img" aria-label="A loss.">\s*<svg viewBox="[\d. ]+"', text)
        assert not re.search(r"<\?xml|DOCTYPE|xmlns|metadata|https?:", text)
        assert ">Loss</text>" in text

    def test_its_colours_are_those_of_the_page(self):
        text = picture(chart(), "A loss.")
        assert "stroke: var(--c0)" in text
        assert "var(--ink)" in text
        assert SERIES[0] not in text

    def test_two_on_a_page_share_no_id_and_refer_to_their_own(self):
        texts = picture(chart(), "One."), picture(chart(), "Two.")
        ids = [set(re.findall(r'\bid="([^"]+)"', text)) for text in texts]
        assert all(ids)
        assert not ids[0] & ids[1]
        for text, own in zip(texts, ids, strict=True):
            referred = set(re.findall(r'href="#([^"]+)"|url\(#([^)]+)\)', text))
            assert referred
            assert {a or b for a, b in referred} <= own

    def test_a_glyph_that_matplotlib_lacks_is_left_to_the_page(self, recwarn):
        assert ">損失</text>" in picture(chart("損失"), "A loss.")
        assert not recwarn.list


class TestWritePage:
    def test_over_an_older_page(self, tmp_path):
        path = tmp_path / "new" / "report.html"
        write_page(path, page("One", ""))
        write_page(path, page("Two", ""))
        assert "<title>Two</title>" in path.read_text(encoding="utf-8")
        assert PAGE in path.read_text(encoding="utf-8")

    @pytest.mark.parametrize("content", [b"", b"<html></html>", b'{"train": {}}', b"\xff\xfe"])
    def test_never_over_anything_else(self, tmp_path, content):
        path = tmp_path / "mine"
        path.write_bytes(content)
        with pytest.raises(JepaError, match="mine: exists and is none that jepa-run wrote"):
            write_page(path, page("One", ""))
        assert path.read_bytes() == content

    def test_a_folder_is_no_page(self, tmp_path):
        with pytest.raises(JepaError, match="is none that jepa-run wrote"):
            write_page(tmp_path, page("One", ""))


def test_no_text_on_a_page_turns_the_writing_or_gives_orders(tmp_path):
    """Pages are read in terminals too, and a name that turns the direction of writing shows another one."""
    write_page(tmp_path / "a.html", page("a\x1b[2J", note("b\u202ec\ud800\x9b\n\td")))
    text = (tmp_path / "a.html").read_bytes().decode("utf-8")
    assert "<title>a␛[2J</title>" in text
    assert "<p>b\ufffdc\ufffd\ufffd\n\td</p>" in text
