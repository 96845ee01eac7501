"""The sections of a report, each as HTML; empty where there is nothing to show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jepa_core.display.drawing import draw_chart, draw_mask, draw_projection
from jepa_core.display.html import folded, legend, note, picture, pictures, section, table
from jepa_core.display.projection import PAIRS, project
from jepa_core.errors import JepaError
from jepa_core.evaluation.health import collapse
from jepa_core.registry import Registry
from jepa_core.report import charts, tables
from jepa_core.report.console import caption
from jepa_core.report.record import Record
from jepa_core.report.specimen import Specimen, load_specimen
from jepa_core.verify.mask_picture import MaskPicture

GRADIENTS = (
    "Of one batch, the same every time, without dropout. The cosine is that of the two terms' gradients: "
    "below 0 they pull apart."
)
EMBEDDINGS = (
    "Effective rank counts the directions that the embeddings of the same batch use (1: all on one line). The "
    "cosine is the mean over two different embeddings of one side (1: all point one way). A rank near 1 and "
    "a cosine near 1 mean collapse."
)
MASK = (
    "One training sample. A row is the token that looks, a column what it may see; tokens of its own view "
    "are grey, of another view in the colour of this text. Everything else is hidden."
)
PROJECTION = (
    f"Up to {PAIRS} counted pairs of the training set, each a circle joined to its target: the first two "
    "principal components of both sides together, about their common mean. The axes span at least half of the "
    "embeddings' own length, so collapsed embeddings look like a point."
)
#: Rows of a table that fit on a screen beside what stands above them.
ROWS = 14
AFTER_TRAINING = "Measured after training only; training.eval_steps gives curves."


def overview(records: Sequence[Record]) -> str:
    return table(["", *(record.name for record in records)], tables.overview(records))


def differences(records: Sequence[Record]) -> str:
    if len(records) == 1:
        return ""
    rows = tables.differences(records)
    shown = table(["key", *(record.name for record in records)], rows) if rows else ""
    return section("What differs", note(tables.difference_line(records)), shown)


def final_metrics(records: Sequence[Record]) -> str:
    columns, rows = tables.final(records)
    if not rows:
        return section("Final metrics", note("None yet: they are measured when training is over."))
    if columns[0] == "metric":
        splits = dict.fromkeys(split for record in records for split in record.splits)
        meaning = caption(splits, {name: words for record in records for name, words in record.captions.items()})
        return section("Final metrics", _side_by_side(columns, rows), note(meaning))
    return section("Final metrics", *_by_split(records))


def _side_by_side(columns: Sequence[str], rows: tables.Rows) -> str:
    """A long table of few columns in up to three pieces, so that it fits on a screen."""
    count = min(3, -(-len(rows) // ROWS))
    size = -(-len(rows) // count)
    pieces = [table(columns, rows[start : start + size], "figures") for start in range(0, len(rows), size)]
    return pictures(pieces) if count > 1 else pieces[0]


def _by_split(records: Sequence[Record]) -> Iterator[str]:
    """Yields the tables of several runs side by side, one a set, with a column of differences for two runs."""
    captions = {name: words for record in records for name, words in record.captions.items()}
    each = []
    for split, columns, rows in tables.by_split(records):
        words = f"{split}: {captions[split]}" if split in captions else split
        each.append(table([words, *columns], rows, "figures"))
    yield pictures(each)


def measured(records: Sequence[Record]) -> str:
    """The charts of metrics, which readers look for first."""
    over_time = charts.metrics(records)
    return _charts("Metrics by split", "" if any(over_time) else AFTER_TRAINING, over_time, records)


def examples(records: Sequence[Record], registry: Registry) -> str:
    found = [(record, *shown) for record in records for shown in tables.examples(record, registry)]
    several = len(records) > 1
    parts = (note(record.name if several else "") + table(columns, rows) for record, columns, rows in found)
    return section("Examples", *parts)


def curves(records: Sequence[Record]) -> str:
    found = [
        ("Losses", "", charts.losses(records)),
        ("Course of training", "", charts.course(records)),
        ("Gradients of the two terms", GRADIENTS, charts.gradients(records)),
        ("Health of the embeddings", " ".join([EMBEDDINGS, *collapses(records)]), charts.embeddings(records)),
        ("Metrics by layer", "Through the final norm and the output embedding.", charts.layers(records)),
    ]
    return "\n".join(_charts(title, text, some, records) for title, text, some in found)


def collapses(records: Sequence[Record]) -> list[str]:
    """Sentences on the runs whose last figures say that embeddings have collapsed."""
    last = [(record.name, record.log.last("health_pairs")) for record in records]
    return [f"{name}: {words}." for name, line in last if (words := collapse(line))]


def models(records: Sequence[Record], registry: Registry) -> str:
    """The mask and projection of every run; where its model can't be loaded, the reason."""
    loaded = [(record, _load(record, registry)) for record in records]
    seen = [(record, model if isinstance(model, str) else model.mask()) for record, model in loaded]
    room = max((len(mask.names) for _, mask in seen if not isinstance(mask, str)), default=0)
    masks = [part for record, mask in seen for part in _masks(record, mask, len(records) > 1, room)]
    embeddings = [_projection(record, model, len(records) > 1, i) for i, (record, model) in enumerate(loaded)]
    return "\n".join(
        (
            section("Mask", note(MASK), pictures(masks)),
            section("Predicted and target embeddings", note(PROJECTION), pictures(embeddings)),
        )
    )


def recipes(records: Sequence[Record]) -> str:
    names = [record.name for record in records]
    texts = [folded(f"Resolved recipe of {record.name}", record.text) for record in records]
    made_with = table(["made with", *names], tables.versions(records))
    return section("Recipe and versions", *texts, made_with)


def _charts(title: str, text: str, some: Sequence[charts.Chart | None], records: Sequence[Record]) -> str:
    drawn = [picture(draw_chart(chart), chart.alt) for chart in some if chart]
    if not drawn:
        return section(title, note(text)) if text == AFTER_TRAINING and _trained(records) else ""
    names = [record.name for record in records]
    return section(title, legend(names) if len(names) > 1 else "", note(text), pictures(drawn))


def _trained(records: Sequence[Record]) -> bool:
    return any(record.metrics is not None for record in records)


def _load(record: Record, registry: Registry) -> Specimen | str:
    try:
        return load_specimen(record.folder, registry)
    except JepaError as error:
        return f"{record.name}: the model can't be loaded here: {error}"


def _masks(record: Record, mask: MaskPicture | str, several: bool, room: int) -> Iterator[str]:
    """Yields the pictures of a run's masks. room: tokens of the largest mask on the page."""
    if isinstance(mask, str):
        yield note(mask)
        return
    for layers, allowed in mask.allowed.items():
        title = f"{record.name}, {layers}" if several else layers.capitalize()
        seen = f"{int(allowed.sum())} of {allowed.numel()} places open, tokens {' '.join(mask.names)}"
        yield picture(draw_mask(title, allowed, mask.names, mask.block, room), f"Attention mask of {title}: {seen}.")


def _projection(record: Record, model: Specimen | str, several: bool, colour: int) -> str:
    if isinstance(model, str):
        return note(model)
    name = f"{record.name}: " if several else ""
    if model.weights is None:
        return note(f"{name}no weights were saved yet.")
    sides = model.embeddings()
    if sides is None:
        return note(f"{name}no pair counts in this recipe, so there are no embeddings to compare.")
    when = "" if record.metrics is not None else f", {model.weights.name}"
    title = f"{name}{len(sides[0])} pairs{when}"
    found = project(*sides)
    spread = f"spread {found.spread / found.length:.2g} of their length" if found.length else ""
    drawn = draw_projection(f"{title}, {spread}".removesuffix(", "), found, colour)
    words = f"Predicted and target embeddings of {title}."
    return picture(drawn, f"{words} {spread.capitalize()}." if spread else words)
