"""Checks a folder of HTML: every link and picture leads somewhere, and nothing is loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

_LOADS = {"img": "src", "script": "src", "link": "href", "source": "src", "iframe": "src"}


class _Page(HTMLParser):
    """links: what leads elsewhere; loaded: what the page needs; anchors: where links may lead."""

    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        self.anchors |= {given[key] for key in ("id", "name") if key in given}
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        if tag in _LOADS and _LOADS[tag] in given:
            self.loaded.append(given[_LOADS[tag]])


@cache
def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def broken(folder: Path) -> list[str]:
    """A line for each link, picture or anchor that is not there, and for each thing that is loaded from elsewhere."""
    paths = sorted(folder.rglob("*.html"))
    if not paths:
        return [f"{folder}: no page"]
    return [
        f"{path.relative_to(folder)}: {words}" for path in paths if path.name != "404.html" for words in _faults(path)
    ]


def _faults(path: Path) -> Iterator[str]:
    page = _read(path)
    for link in page.loaded:
        if urlsplit(link).netloc:
            yield f"loads {link}"
    for link in [*page.links, *page.loaded]:
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            continue
        target = path if not parts.path else (path.parent / unquote(parts.path)).resolve()
        if target.is_dir():
            target /= "index.html"
        if not target.is_file():
            yield f"{link} is not there"
        elif parts.fragment and target.suffix == ".html" and unquote(parts.fragment) not in _read(target).anchors:
            yield f"{link}: no such place on that page"
