"""``verify.html``: the whole verification on one page that needs no network."""

from __future__ import annotations

from html import escape

from jepa_core.assembly.provenance import provenance
from jepa_core.display.html import folded, note, page, picture, pictures, section, table, titled
from jepa_core.errors import JepaError
from jepa_core.recipe.resolve import dump_yaml, resolved
from jepa_core.verify.context import Context, mode
from jepa_core.verify.flow import draw, flow
from jepa_core.verify.grid import LEGEND, grids
from jepa_core.verify.mask_picture import MaskPicture, legend_of
from jepa_core.verify.row import Row, Verdict
from jepa_core.verify.samples import COLUMNS, sample_tables
from jepa_core.verify.verify import Verification, summary

FLOW = "A batch of up to 64 training samples on its way to the loss."
SAMPLES = "A few samples of every type, token by token, as training lays them out."


def verification_page(found: Verification, context: Context, mask: MaskPicture) -> str:
    parts = [
        f"<style>\n{_STYLE}</style>",
        note(summary(found)),
        note(context.run.recipe.description),
        note(context.which_weights),
        section("Checks", *(_check(number, name, found) for number, name in enumerate(found.checks, start=1))),
        section("From batch to loss", note(FLOW), draw(flow(context))),
        section("Mask", note(legend_of(mask.names)), _masks(mask)),
        section("Samples", note(SAMPLES), *_samples(context)),
        _recipe(context),
    ]
    return page(f"Verification of {found.name}", "\n".join(filter(None, parts)))


def _check(number: int, name: str, found: Verification) -> str:
    """A check: failures and warnings stand open, passed lines folded behind one to click on."""
    rows = [row for row in found.rows if row.check == name]
    told = [row for row in rows if row.verdict in (Verdict.FAIL, Verdict.WARN)]
    rest = [row for row in rows if row not in told]
    holds = found.holds(name) or "does not apply here"
    mark = Verdict.PASS if found.holds(name) else Verdict.NA
    summary = f'<b class="verdict {_CLASSES[mark]}">{mark}</b> {escape(holds)}'
    closed = f"<details><summary>{summary}</summary>\n{chr(10).join(map(_row, rest))}</details>" if rest else ""
    content = "\n".join(filter(None, [*map(_row, told), closed]))
    return f'<div class="check">\n{titled(f"{number}. {name.capitalize()}", content)}\n</div>'


def _row(row: Row) -> str:
    evidence = f'<div class="evidence">{escape(row.evidence)}</div>' if row.evidence else ""
    return (
        f'<div class="row"><b class="verdict {_CLASSES[row.verdict]}">{row.verdict}</b><div>'
        f'<div class="line"><span>{escape(row.name)}</span><span class="figure">{escape(row.told)}</span></div>'
        f"{evidence}<code>{escape(row.source)}</code></div></div>"
    )


def _masks(mask: MaskPicture) -> str:
    """The masks as pictures, or as text where matplotlib is missing."""
    try:
        from jepa_core.display.drawing import draw_mask, mask_width

        width = mask_width(len(mask.names))
        drawn = [
            picture(draw_mask(layers.capitalize(), allowed, mask.names, mask.block), f"Attention mask, {layers}", width)
            for layers, allowed in mask.allowed.items()
        ]
        return pictures(drawn)
    except JepaError as error:
        text = "\n".join(grid.plain for grid in grids(mask))
        return note(str(error)) + f"<pre>{escape(LEGEND)}\n\n{escape(text)}</pre>"


def _samples(context: Context) -> list[str]:
    with mode(context.objective, filters=False):
        tables = sample_tables(context.objective, context.run.vocabulary, context.few, context.run.data.tags)
    columns = (COLUMNS[2], *COLUMNS[:2], *COLUMNS[3:])  # a table's first column names its rows
    return [
        f"<details><summary>{escape(sample.title)}</summary>"
        f"{table(columns, [(row[2], *row[:2], *row[3:]) for row in sample.rows])}</details>"
        for sample in tables
    ]


def _recipe(context: Context) -> str:
    made_with = provenance(context.run.recipe, context.registry)
    versions = {**made_with["versions"], **made_with["plugins"], "git revision": made_with["git_revision"] or "–"}
    text = dump_yaml(resolved(context.run.recipe, context.registry))
    made = table(("made with", "version"), versions.items())
    return section("Recipe and versions", folded("Resolved recipe", text), made)


_CLASSES = {Verdict.PASS: "pass", Verdict.FAIL: "fail", Verdict.WARN: "warn", Verdict.NA: "na"}
_STYLE = """\
.check > div { display: grid; grid-template-columns: 13rem minmax(0, 1fr); border-bottom: 1px solid var(--line); }
.check h3 { grid-row: 1 / span 99; margin: .5rem 0; }
.check details, .check .row { grid-column: 2; }
@media (max-width: 40rem) { .check > div { display: block; } .check h3 { margin: .5rem 0 0; } }
.row { display: grid; grid-template-columns: 3.5rem 1fr; gap: .5rem; padding: .4rem 0;
  border-bottom: 1px solid var(--line); }
.row > div { min-width: 0; }
summary .verdict { display: inline-block; width: 3.5rem; margin-right: .5rem; }
.verdict { align-self: start; text-align: center; font-size: .8rem;
  border: 1px solid currentcolor; border-radius: .3rem; }
.pass { color: var(--good); } .fail { color: var(--paper); background: var(--bad); border-color: var(--bad); }
.warn { color: var(--fair); } .na { color: var(--muted); }
.line { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 0 1rem; }
.figure { font-variant-numeric: tabular-nums; white-space: nowrap; }
.evidence { font-size: .85rem; color: var(--muted); white-space: pre-line; overflow-wrap: anywhere; }
"""
