"""All pages of the site as Markdown: path below the site -> text, and the other files that they show."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from scripts.docs_site.api import api_page
from scripts.docs_site.commands import commands_page
from scripts.docs_site.kinds import kind_pages
from scripts.docs_site.recipes import recipe_pages
from scripts.docs_site.search import PAGE, SEARCH
from scripts.docs_site.tutorials import tutorial_pages
from scripts.docs_site.written import written_pages

ROOT = Path(__file__).parents[2]


@dataclass
class Pages:
    """texts: path -> Markdown; files: path -> content; sections: heading -> paths, in the order of the menu."""

    texts: dict[str, str] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    sections: dict[str, list[str]] = field(default_factory=dict)

    def add(self, section: str, texts: dict[str, str], files: dict[str, bytes] | None = None) -> None:
        self.texts |= texts
        self.files |= files or {}
        self.sections.setdefault(section, []).extend(texts)


def gather() -> Pages:
    """Everything there is to read. Takes four minutes of one core: tutorials run, masks are drawn."""
    pages = Pages()
    first, others, assets = written_pages(ROOT)
    pages.add("Start", first, assets)
    pages.add("Tutorials", *tutorial_pages(ROOT / "docs" / "tutorials"))
    pages.add("Components", {"COMPONENTS.md": others.pop("COMPONENTS.md")})
    pages.add("Components", kind_pages())
    pages.add("Recipes", *recipe_pages())
    pages.add("Reference", {"cli.md": commands_page(), "api.md": api_page()})
    pages.add("More", others)
    pages.add("Search", {PAGE: SEARCH})
    return pages
