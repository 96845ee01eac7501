"""The pages that people wrote: README, CONTRIBUTING, CHANGELOG and docs/, with links that work on the site."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")
_PICTURES = (".svg", ".png")
#: Pages beside those in docs/, and where they stand.
FOR_INDEXES = "docs/PACKAGE.md"
TOP = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}


def written_pages(root: Path) -> tuple[dict[str, str], dict[str, str], dict[str, bytes]]:
    """The first pages, all others, and the pictures in them."""
    found = (path.relative_to(root).as_posix() for path in (root / "docs").glob("*.md"))
    docs = sorted(path for path in found if path != FOR_INDEXES)
    places = {**TOP, **{path: path.removeprefix("docs/") for path in docs}}
    assets: dict[str, bytes] = {}
    texts = {
        place: relinked((root / path).read_text(encoding="utf-8"), path, root, places, assets)
        for path, place in places.items()
    }
    return {"index.md": texts.pop("index.md")}, texts, assets


def relinked(text: str, path: str, root: Path, places: dict[str, str], assets: dict[str, bytes]) -> str:
    """`text` of the file `path` with its links leading to pages of the site. A link to any other file of the
    repository becomes that file's name: where the repository can be read on the web, nothing here knows."""

    def replaced(found: re.Match[str]) -> str:
        mark, words, link = found.groups()
        target, _, anchor = link.partition("#")
        if "://" in link or link.startswith(("#", "mailto:")):
            return found[0]
        named = _file_meant(target, path, root)
        if named in places:
            place = posixpath.relpath(places[named], posixpath.dirname(places[path]) or ".")
            return f"[{words}]({place}{'#' + anchor if anchor else ''})"
        if mark and named.endswith(_PICTURES):
            assets[posixpath.basename(named)] = (root / named).read_bytes()
            return f"![{words}]({posixpath.basename(named)})"
        return words if words.strip("`") == named else f"{words} (`{named}`)"

    blocks = re.split(r"(^```.*?^```\n?)", text, flags=re.M | re.S)  # links are looked for outside of them
    return "".join(part if part.startswith("```") else _LINK.sub(replaced, part) for part in blocks)


def _file_meant(target: str, path: str, root: Path) -> str:
    """A link's file, below the repository. Raises ValueError where there is none."""
    beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
    for candidate in (beside, target):
        if (root / candidate).exists():
            return candidate
    raise ValueError(f"{path}: links to {target}, which is not there")
