"""Builds a folder of HTML from the pages."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from scripts.docs_site.links import broken
from scripts.docs_site.pages import Pages, gather
from scripts.docs_site.search import write_index

#: Read by Zensical, and by MkDocs and its forks.
CONFIG: dict[str, Any] = {
    "site_name": "jepa-core",
    "site_description": "JEPA losses for causal language models, from a recipe in which every piece is a plugin.",
    "docs_dir": "pages",
    "site_dir": "html",
    "use_directory_urls": False,  # so that it can be read from a folder, without a server
    "theme": {
        "font": False,  # those of the reader's system: no page asks another server for anything
        "features": ["content.code.copy", "navigation.tabs", "toc.follow"],
        "palette": [
            {"media": "(prefers-color-scheme)"},  # the reader's choice, and each change of it
            {"media": "(prefers-color-scheme: light)", "scheme": "default"},
            {"media": "(prefers-color-scheme: dark)", "scheme": "slate"},
        ],
    },
    "plugins": [{"search": {"enabled": False}}],  # needs a server; search.py makes one that does not
    "extra_css": ["extra.css"],
    "markdown_extensions": [
        "tables",
        {"toc": {"permalink": True}},
        "pymdownx.highlight",
        "pymdownx.superfences",
    ],
}


#: The theme's own accent contrasts 4.3 : 1 with white; text needs 4.5.
STYLE = '[data-md-color-scheme="default"] { --md-accent-fg-color: #3a4fd6; }\n'


def build(out: Path) -> Path:
    """Gathers the pages and builds the site in `out`, which is replaced."""
    return build_pages(gather(), out)


def build_pages(pages: Pages, out: Path) -> Path:
    """Builds the site in `out`. Raises RuntimeError for whatever Zensical warns of, and for links that lead nowhere."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_sources(pages, folder)
        command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"zensical: {done.stdout}{done.stderr}")
        write_index(folder / "html")
        if found := broken(folder / "html"):
            raise RuntimeError("\n".join(found))
        if out.exists():
            shutil.rmtree(out)
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(folder / "html", out)
    return out


def write_sources(pages: Pages, folder: Path) -> None:
    """Pages, pictures and configuration, as Zensical reads them."""
    for path, content in {**{p: t.encode() for p, t in pages.texts.items()}, **pages.files}.items():
        target = folder / "pages" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    (folder / "pages" / "extra.css").write_text(STYLE, encoding="utf-8")
    menu = [{title: paths if len(paths) > 1 else paths[0]} for title, paths in pages.sections.items()]
    text = yaml.safe_dump({**CONFIG, "nav": menu}, sort_keys=False)
    (folder / "mkdocs.yml").write_text(text, encoding="utf-8")
