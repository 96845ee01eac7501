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
#: The width of a column of pictures where there are several, in CSS pixels, or a little more.
COLUMN = 360
#: Cells with more letters are text, whose column is not squeezed to a word a line.
LONG = 24
#: Names of no more letters stay on one line.
SHORT = 16
_LONG = ' class="long"'


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
{_contents(body)}{body}
</main>
</body>
</html>
"""


def section(title: str, *parts: str) -> str:
    """A heading and the parts under it; nothing at all where there are none."""
    content = "\n".join(part for part in parts if part)
    name = re.sub(r"\W+", "-", title.lower()).strip("-")
    return f'<section>\n<h2 id="{name}">{escape(title)}</h2>\n{content}\n</section>' if content else ""


def titled(title: str, content: str) -> str:
    """A small heading and what belongs to it."""
    return f"<div>\n<h3>{escape(title)}</h3>\n{content}\n</div>"


def _contents(body: str) -> str:
    """Links to the sections, where there are several."""
    found = re.findall(r'<h2 id="([^"]*)">(.*?)</h2>', body)
    links = "\n".join(f'<a href="#{name}">{title}</a>' for name, title in found)
    return f'<nav aria-label="Sections">\n{links}\n</nav>\n' if len(found) > 1 else ""


def pictures(each: Iterable[str]) -> str:
    """Pictures side by side, as many in a row as the screen takes."""
    content = "\n".join(each)
    return f'<div class="pictures">\n{content}\n</div>' if content else ""


def beside(each: Iterable[str]) -> str:
    """Parts beside each other, each as wide as it is, as far as the screen goes."""
    content = "\n".join(each)
    return f'<div class="beside">\n{content}\n</div>' if content else ""


def picture(figure: Figure, alt: str, width: float = 0) -> str:
    """A matplotlib figure as inline SVG; alt describes it to those who can't see it.

    width: in CSS pixels, of one whose words would be too small among others; on a narrow screen it scrolls.
    """
    from matplotlib import rc_context

    file = StringIO()
    # Text stays text: small, and in the page's font, so a glyph that matplotlib's lacks is no loss.
    with rc_context({"svg.fonttype": "none"}), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing")
        figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    svg = _inline(file.getvalue())
    if width > COLUMN:
        svg = f'<div class="wide"><div style="width: {width:.0f}px">\n{svg}</div></div>\n'
    kind = ' class="large"' if width > COLUMN else ""
    return f'<figure{kind} role="img" aria-label="{escape(alt)}">\n{svg}</figure>'


def note(text: str) -> str:
    return f"<p>{escape(text)}</p>" if text else ""


def warning(text: str) -> str:
    return f'<p class="warning">{escape(text)}</p>' if text else ""


def legend(names: Sequence[str]) -> str:
    """A legend of the runs' colours."""
    keys = (
        f'<span><i class="key" style="background: var(--c{i})"></i>{escape(name)}</span>'
        for i, name in enumerate(names)
    )
    return f'<p class="legend">{"".join(keys)}</p>'


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "words") -> str:
    """A table; the first column names the rows. kind: what the other cells hold, ``words`` or ``figures``."""
    rows = list(rows)
    names = "".join(f'<th scope="col">{escape(column)}</th>' for column in columns)
    long = [kind == "words" and max(map(len, cells), default=0) > LONG for cells in zip(*rows, strict=True)][1:]
    body = "\n".join(
        f'<tr><th scope="row">{_breakable(name)}</th>'
        + "".join(f"<td{_LONG * of}>{escape(cell)}</td>" for cell, of in zip(cells, long, strict=True))
        + "</tr>"
        for name, *cells in rows
    )
    content = f"<thead><tr>{names}</tr></thead>\n<tbody>\n{body}\n</tbody>"
    return f'<div class="wide"><table class="{kind}">\n{content}</table></div>'


def _breakable(name: str) -> str:
    """A row's name, which a narrow screen may break where its words end, if it is long."""
    return re.sub(r"([._])(?=\w)", r"\1<wbr>", escape(name)) if len(name) > SHORT else escape(name)


def folded(summary: str, text: str) -> str:
    """Long text behind a line to click on."""
    return closed(summary, f"<pre>{escape(text)}</pre>")


def closed(summary: str, content: str) -> str:
    """HTML behind a line to click on."""
    return f"<details><summary>{escape(summary)}</summary>\n{content}</details>"


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
h3 { font-size: 1rem; margin: .75rem 0 .25rem; }
p { margin: .4rem 0; max-width: 48rem; overflow-wrap: anywhere; }
a { color: var(--c0); }
nav { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; margin: .5rem 0; font-size: .9rem; }
.warning { border-left: .3rem solid var(--bad); padding-left: .75rem; }
.pictures { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); }
.beside { display: flex; flex-wrap: wrap; gap: .5rem 2.5rem; align-items: flex-start; }
.beside > * { max-width: 100%; }
figure { margin: 0; min-width: 0; }
figure.large { grid-column: 1 / -1; }
figure svg { display: block; width: 100%; height: auto; }
.wide { overflow-x: auto; margin: .5rem 0; background: /* a shade at an edge behind which there is more */
  linear-gradient(to right, var(--paper) 40%, transparent) left / 2.5rem calc(100% + 2px) no-repeat local,
  linear-gradient(to left, var(--paper) 40%, transparent) right / 2.5rem calc(100% + 2px) no-repeat local,
  linear-gradient(to right, var(--muted), transparent) left / .5rem 100% no-repeat scroll,
  linear-gradient(to left, var(--muted), transparent) right / .5rem 100% no-repeat scroll; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem 1.25rem .25rem 0; text-align: left; border-bottom: 1px solid var(--line);
  vertical-align: top; }
.figures td, .figures thead th:not(:first-child) { text-align: right; white-space: nowrap; }
.figures th, .figures td { padding-right: .75rem; }
.figures thead th:first-child { white-space: normal; max-width: 13rem; color: var(--ink); font-weight: 600; }
th { font-weight: 600; }
.long { min-width: 10rem; }
tbody th, thead th:first-child { font-weight: 400; white-space: nowrap; color: var(--muted);
  position: sticky; left: 0; background: var(--paper); }
@media (max-width: 40rem) {
  tbody th { white-space: normal; min-width: 7.5rem; }
}
pre { overflow-x: auto; font-size: .8rem; line-height: 1.4; padding: .75rem; border: 1px solid var(--line); }
summary { cursor: pointer; padding: .25rem 0; overflow-wrap: anywhere; }
.key { display: inline-block; width: .8em; height: .8em; margin-right: .4em; border-radius: 2px; }
.legend span { display: inline-block; margin-right: 1.2em; }
@media print { details { display: block; } }
"""
