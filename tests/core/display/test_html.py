"""A page stands alone: no network, nothing that text could break."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from jepa_core.display.chart import Chart, Line, Series
from jepa_core.display.colours import SERIES
from jepa_core.display.drawing import draw_chart
from jepa_core.display.html import (
    beside,
    folded,
    legend,
    note,
    page,
    picture,
    pictures,
    section,
    table,
    warning,
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
    nothing = [note(""), warning(""), section("Title"), section("Title", "", note("")), pictures([]), beside([])]
    assert nothing == [""] * 6


def test_links_lead_to_the_sections():
    body = section("One & two", "x") + section("Three: 4", "y")
    whole = page("Title", body)
    assert '<a href="#one-two">One &amp; two</a>\n<a href="#three-4">Three: 4</a>' in whole
    assert set(re.findall(r'href="#([^"]+)"', whole)) == set(re.findall(r'<h2 id="([^"]+)">', whole))
    assert "<nav" not in page("Title", section("One", "x"))


def test_a_long_name_may_be_broken_where_its_words_end():
    text = table(["", "a"], [["objective.k", "1"], ["objective.reversal.first_id", "2"]])
    assert '<th scope="row">objective.k</th>' in text
    assert '<th scope="row">objective.<wbr>reversal.<wbr>first_<wbr>id</th>' in text


def test_columns_of_text_are_not_squeezed():
    text = table(["", "a", "b"], [["x", "short", "long " * 9], ["y", "short", "short"]])
    assert text.count('<td class="long">') == 2
    assert re.findall(r"<td>(.*?)</td>", text) == ["short", "short"]
    assert "long" not in table(["", "a"], [["x", "5" * 99]], "figures")


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

    def test_one_too_small_to_read_is_wide_and_scrolls(self):
        assert '<div class="wide"><div style="width: 640px">' in picture(chart(), "A loss.", 640)
        assert 'class="wide"' not in picture(chart(), "A loss.", 352)

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
