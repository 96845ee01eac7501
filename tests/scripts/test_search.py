"""The site's search: every section is in its index, and words find it in a page read from a disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts.docs_site.search import INDEX, SEARCH, sections, write_index
from tests.browsing import visit

PAGE = """<html><body><nav><h1 id="no">Menu</h1></nav><article class="md-content">
<h1 id="top">First page<a class="headerlink" href="#top">¶</a></h1>
<p>One <b>two</b><br/>three &amp; four.</p><script>var left = "out";</script><img src="x.png">
<h2 id="more">More of it</h2><p>The <code>huber</code> distance.</p>
</article><footer><p>five</p></footer></body></html>"""


@pytest.fixture
def site(tmp_path) -> Path:
    (tmp_path / "a.html").write_text(PAGE)
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "b.html").write_text("<article><h1>Second</h1>\n<p>A Huber there</p></article>")
    body = SEARCH.partition("\n")[2]
    (tmp_path / "search.html").write_text(
        f"<meta charset='utf-8'><meta name='viewport' content='width=device-width'><article><h1>Search</h1>{body}</article>"
    )
    (tmp_path / "404.html").write_text("<article><h1>Lost</h1></article>")
    write_index(tmp_path)
    return tmp_path


def test_sections_of_articles_with_their_text(site):
    assert list(sections(site)) == [
        {"link": "a.html#top", "page": "First page", "heading": "First page", "text": "One two three & four."},
        {"link": "a.html#more", "page": "First page", "heading": "More of it", "text": "The huber distance."},
        {"link": "deep/b.html", "page": "Second", "heading": "Second", "text": "A Huber there"},
    ]
    text = (site / INDEX).read_text()
    assert json.loads(text.removeprefix("const SECTIONS=").removesuffix(";\n")) == list(sections(site))


FOUND = "return [...document.querySelectorAll('#found a')].map(link => [link.getAttribute('href'), link.textContent])"


@pytest.mark.browser
def test_words_are_found_without_a_server(site, browser):
    def found(words: str) -> list[list[str]]:
        visit(browser, f"{(site / 'search.html').as_uri()}?{words}", 390, "light")
        box = browser.find_element("id", "words")
        box.send_keys(words)
        return browser.execute_script(FOUND)

    first, second = ["a.html#more", "First page: More of it"], ["deep/b.html", "Second"]
    assert found("huber") == [first, second]
    assert found("HUBER second") == [second]  # all words, in the heading or in the text
    assert found("four") == [["a.html#top", "First page"]]
    assert found("huber five") == []
    assert found("<b>") == []
    assert browser.find_element("id", "told").text == "0 sections"
    assert browser.get_log("browser") == []


@pytest.mark.browser
def test_a_link_to_words_finds_them(site, browser):
    visit(browser, f"{(site / 'search.html').as_uri()}#there%20Huber", 1280, "dark")
    assert browser.execute_script(FOUND) == [["deep/b.html", "Second"]]
