"""Pages of one self-contained HTML file: text, tables and pictures, nothing from a network.

Pictures are inline SVG whose colours are variables of the page, so they follow the reader's light or dark
setting.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Sequence
from html import escape
from io import StringIO
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from jepa_core.display.colours import VARIABLES, style_sheet
from jepa_core.folder.ours import PAGE, write_own
from jepa_core.streams import plain

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Pictures share the ids of their page, so each one's get a number of its own.
_numbers = count(1)


def page(title: str, body: str) -> str:
    """A whole document around `body` (HTML); title is text."""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{PAGE}
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>{escape(title)}</title>
<style>
{style_sheet()}
{_STYLE}</style>
</head>
<body>
<main>
<h1>{escape(title)}</h1>
{body}
</main>
</body>
</html>
"""


def section(title: str, *parts: str) -> str:
    """A heading and the parts under it; nothing at all where there are none."""
    content = "\n".join(part for part in parts if part)
    return f"<section>\n<h2>{escape(title)}</h2>\n{content}\n</section>" if content else ""


def pictures(each: Iterable[str]) -> str:
    """Pictures side by side, as many in a row as the screen takes."""
    content = "\n".join(each)
    return f'<div class="pictures">\n{content}\n</div>' if content else ""


def picture(figure: Figure, alt: str) -> str:
    """A matplotlib figure as inline SVG; alt describes it to those who can't see it."""
    from matplotlib import rc_context

    file = StringIO()
    # Text stays text: small, and in the page's font, so a glyph that matplotlib's lacks is no loss.
    with rc_context({"svg.fonttype": "none"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    return f'<figure role="img" aria-label="{escape(alt)}">\n{_inline(file.getvalue())}</figure>'


def note(text: str) -> str:
    return f"<p>{escape(text)}</p>" if text else ""


def legend(names: Sequence[str]) -> str:
    """A legend of the runs' colours."""
    keys = (
        f'<span><i class="key" style="background: var(--c{i})"></i>{escape(name)}</span>'
        for i, name in enumerate(names)
    )
    return f'<p class="legend">{"".join(keys)}</p>'


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "words") -> str:
    """A table; the first column names the rows. kind: what the other cells hold, ``words`` or ``figures``."""
    names = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    body = "\n".join(
        f'<tr><th scope="row">{escape(name)}</th>{"".join(f"<td>{escape(cell)}</td>" for cell in cells)}</tr>'
        for name, *cells in rows
    )
    content = f"<thead><tr>{names}</tr></thead>\n<tbody>\n{body}\n</tbody>"
    return f'<div class="wide"><table class="{kind}">\n{content}</table></div>'


def folded(summary: str, text: str) -> str:
    """Long text behind a line to click on."""
    return f"<details><summary>{escape(summary)}</summary>\n<pre>{escape(text)}</pre></details>"


def write_page(path: Path, text: str) -> None:
    """Writes a page, over an older one too. Raises JepaError when `path` is something else."""
    write_own(path, plain(text).encode("utf-8"))


def _inline(svg: str) -> str:
    """The <svg> element alone: without what only a file of its own needs, and with ids and colours of the page."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    prefix = f"p{next(_numbers)}-"
    svg = re.sub(r'((?: id="|url\(#|href="#))', rf"\g<1>{prefix}", svg)
    svg = re.sub(r"font-family: [^;\"]*", "font-family: inherit", svg)
    return re.sub("|".join(VARIABLES), lambda found: f"var({VARIABLES[found[0]]})", svg)


_STYLE = """\
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
main { max-width: 80rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; margin: .5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; padding-top: .75rem; border-top: 1px solid var(--line); }
p { margin: .4rem 0; max-width: 48rem; overflow-wrap: anywhere; }
.pictures { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); }
figure { margin: 0; min-width: 0; }
figure svg { display: block; width: 100%; height: auto; }
.wide { overflow-x: auto; margin: .5rem 0; background: /* a shade at an edge behind which there is more */
  linear-gradient(to right, var(--paper) 40%, transparent) left / 2.5rem 100% no-repeat local,
  linear-gradient(to left, var(--paper) 40%, transparent) right / 2.5rem 100% no-repeat local,
  linear-gradient(to right, var(--muted), transparent) left / .75rem 100% no-repeat scroll,
  linear-gradient(to left, var(--muted), transparent) right / .75rem 100% no-repeat scroll; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem 1.25rem .25rem 0; text-align: left; border-bottom: 1px solid var(--line);
  vertical-align: top; }
.figures td, .figures thead th:not(:first-child) { text-align: right; white-space: nowrap; }
.figures th, .figures td { padding-right: .75rem; }
.figures thead th:first-child { white-space: normal; color: var(--ink); font-weight: 600; }
th { font-weight: 600; }
tbody th, thead th:first-child { font-weight: 400; white-space: nowrap; color: var(--muted); }
pre { overflow-x: auto; font-size: .8rem; line-height: 1.4; padding: .75rem; border: 1px solid var(--line); }
summary { cursor: pointer; padding: .25rem 0; overflow-wrap: anywhere; }
.key { display: inline-block; width: .8em; height: .8em; margin-right: .4em; border-radius: 2px; }
.legend span { display: inline-block; margin-right: 1.2em; }
@media print { details { display: block; } }
"""
