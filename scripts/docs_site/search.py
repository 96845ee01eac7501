"""A search that needs no server: the site's sections in a script beside the page that looks through them.

Zensical's own asks a worker for a file of JSON, and browsers let no page on a disk do either.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

PAGE, INDEX = "search.md", "search_index.js"
HEADINGS = ("h1", "h2", "h3", "h4")
#: Elements whose words are not those before them.
APART = ("br", "li", "p", "pre", "td", "th")
#: Elements without an end.
VOID = {"area", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}


class _Sections(HTMLParser):
    """Collects anchor, heading and text of each section of a page's article."""

    def __init__(self) -> None:
        super().__init__()
        self.sections: list[tuple[str, list[str], list[str]]] = []
        self._depth = 0
        self._left_out = 0
        self._in_heading = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "article" or (self._depth and tag not in VOID):
            self._depth += 1
        if not self._depth:
            return
        self.handle_data(" " * (tag in APART))
        if self._left_out or tag in ("script", "style", "nav") or given.get("class") == "headerlink":
            self._left_out += tag not in VOID
        elif tag in HEADINGS:
            self.sections.append((given.get("id") or "", [], []))
            self._in_heading = True

    def handle_endtag(self, tag: str) -> None:
        if not self._depth or tag in VOID:
            return
        self._depth -= 1
        self._left_out = max(0, self._left_out - 1)
        self._in_heading &= tag not in HEADINGS

    def handle_data(self, data: str) -> None:
        if self._depth and not self._left_out and self.sections:
            self.sections[-1][1 if self._in_heading else 2].append(data)


def sections(folder: Path) -> Iterator[dict[str, str]]:
    """Yields link, page, heading and text of each section of the site."""
    for path in sorted(folder.rglob("*.html")):
        found = _Sections()
        found.feed(path.read_text(encoding="utf-8"))
        place = path.relative_to(folder).as_posix()
        if place == "404.html" or place == Path(PAGE).with_suffix(".html").name or not found.sections:
            continue
        title = _words(found.sections[0][1])
        for anchor, heading, text in found.sections:
            link = f"{place}#{anchor}" if anchor else place
            yield {"link": link, "page": title, "heading": _words(heading), "text": _words(text)}


def write_index(folder: Path) -> None:
    """Writes the script that the search page loads."""
    text = json.dumps(list(sections(folder)), ensure_ascii=False, separators=(",", ":"))
    (folder / INDEX).write_text(f"const SECTIONS={text};\n", encoding="utf-8")


def _words(parts: list[str]) -> str:
    return " ".join("".join(parts).split())


SEARCH = (
    f"""# Search

<p><label for="words">Words, all of which must occur</label><br>
<input id="words" type="search" autocomplete="off" size="30"
style="font: inherit; width: min(100%, 30rem); padding: .3rem .5rem; border: 1px solid currentcolor;"></p>
<p id="told" role="status"></p>
<ol id="found"></ol>
<noscript>This page looks through the site with JavaScript.</noscript>
<script src="{INDEX}"></script>
<script>
"""
    """
const MOST = 40, AROUND = 70;
const box = document.getElementById("words"), told = document.getElementById("told");
const list = document.getElementById("found");
const whole = SECTIONS.map(one => [one, (one.page + " " + one.heading).toLowerCase(), one.text.toLowerCase()]);

function score(title, text, words) {
  let sum = 0;
  for (const word of words) {
    const here = (title.includes(word) ? 10 : 0) + (text.includes(word) ? 1 : 0);
    if (!here) return 0;
    sum += here;
  }
  return sum;
}

function excerpt(one, text, words) {
  const places = words.map(word => text.indexOf(word)).filter(place => place >= 0);
  const start = Math.max(0, Math.min(...places, text.length) - AROUND);
  const end = start + 3 * AROUND;
  return (start ? "…" : "") + one.text.slice(start, end) + (one.text.length > end ? "…" : "");
}

function find() {
  const words = box.value.toLowerCase().split(/\\s+/).filter(Boolean);
  const scored = words.length ? whole.map(([one, title, text]) => [score(title, text, words), one, text]) : [];
  const hits = scored.filter(([sum]) => sum).sort((a, b) => b[0] - a[0]);
  list.replaceChildren(...hits.slice(0, MOST).map(([, one, text]) => {
    const [item, link, shown] = ["li", "a", "div"].map(name => document.createElement(name));
    link.href = one.link;
    link.textContent = one.heading === one.page ? one.page : one.page + ": " + one.heading;
    shown.textContent = excerpt(one, text, words);
    item.append(link, shown);
    return item;
  }));
  told.textContent = !words.length ? "" : hits.length > MOST ? `the first ${MOST} of ${hits.length} sections`
    : hits.length === 1 ? "1 section" : `${hits.length} sections`;
  history.replaceState(null, "", words.length ? "#" + encodeURIComponent(box.value.trim()) : "#");
}

box.addEventListener("input", find);
box.value = decodeURIComponent(location.hash.slice(1));
find();
box.focus();
</script>
"""
)
