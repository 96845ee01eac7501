"""The sections of a report, each as HTML; empty where there is nothing to show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jepa_core.display.drawing import draw_chart, draw_mask, draw_projection, mask_width
from jepa_core.display.html import (
    beside,
    closed,
    folded,
    legend,
    note,
    picture,
    pictures,
    section,
    table,
    warning,
)
from jepa_core.display.projection import PAIRS, project
from jepa_core.errors import JepaError
from jepa_core.evaluation.health import describe_collapse
from jepa_core.registry import Registry
from jepa_core.report import charts, tables
from jepa_core.report.console import caption
from jepa_core.report.record import Record
from jepa_core.report.specimen import Specimen, load_specimen
from jepa_core.verify.mask_picture import MaskPicture, legend_of

GRADIENTS = (
    "Of one batch, the same every time, without dropout. The cosine is that of the two terms' gradients: "
    "below 0 they pull apart."
)
EMBEDDINGS = (
    "Effective rank counts the directions that the embeddings of the same batch use (1: all on one line). The "
    "cosine is the mean over two different embeddings of one side (1: all point one way). A rank near 1 and "
    "a cosine near 1 mean collapse."
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
    """Tells of collapsed embeddings, before any figure; then the runs in a table."""
    told = "".join(map(warning, collapses(records)))
    return told + table(["", *(record.name for record in records)], tables.overview(records))


def differences(records: Sequence[Record]) -> str:
    if len(records) == 1:
        return ""
    rows, line = tables.differences(records), tables.difference_line(records)
    shown = table(["key", *(record.name for record in records)], rows) if rows else ""
    parts = (note(line), shown) if len(rows) <= ROWS // 2 else (closed(line, shown),)
    return section("What differs", *parts)


def final_metrics(records: Sequence[Record]) -> str:
    columns, rows = tables.final(records)
    if not rows:
        return section("Final metrics", note("None yet: they are measured when training is over."))
    if columns[0] == "metric":
        splits = dict.fromkeys(split for record in records for split in record.splits)
        meaning = caption(splits, {name: words for record in records for name, words in record.captions.items()})
        return section("Final metrics", _side_by_side(columns, rows), note(meaning))
    return section(
        "Final metrics", note(tables.data_line(records)), beside(_by_split(records)), note(_meanings(records))
    )


def _side_by_side(columns: Sequence[str], rows: tables.Rows) -> str:
    """A long table of few columns in up to three pieces, so that it fits on a screen."""
    count = min(3, -(-len(rows) // ROWS))
    size = -(-len(rows) // count)
    return beside(table(columns, rows[start : start + size], "figures") for start in range(0, len(rows), size))


def _by_split(records: Sequence[Record]) -> Iterator[str]:
    """Yields the tables of several runs, one a set, with a column of differences for two runs."""
    captions = _captions(records)
    for split, columns, rows in tables.by_split(records):
        alike = {*captions.get(split, {}).values()}
        words = f"{split}: {alike.pop()}" if len(alike) == 1 else split
        yield table([words, *columns], rows, "figures")


def _captions(records: Sequence[Record]) -> dict[str, dict[str, str]]:
    """Set -> run -> what the set is there, or nothing."""
    found: dict[str, dict[str, str]] = {}
    for record in records:
        for split in record.metrics or {}:
            found.setdefault(split, {})[record.name] = record.captions.get(split, "")
    return {split: of for split, of in found.items() if any(of.values())}


def _meanings(records: Sequence[Record]) -> str:
    """Explains sets that are not the same in every run."""
    several = {split: of for split, of in _captions(records).items() if len({*of.values()}) > 1}
    said = [f"{split} of {name}: {words}" for split, of in several.items() for name, words in of.items() if words]
    return " · ".join(said)


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
        ("Health of the embeddings", EMBEDDINGS, charts.embeddings(records)),
        ("Metrics by layer", "Through the final norm and the output embedding.", charts.layers(records)),
    ]
    return "\n".join(_charts(title, text, some, records) for title, text, some in found)


def collapses(records: Sequence[Record]) -> list[str]:
    """Sentences on the runs whose last figures say that embeddings have collapsed."""
    last = [(record.name, record.log.last("health_pairs")) for record in records]
    return [f"{name}: {words}." for name, line in last if (words := describe_collapse(line))]


def models(records: Sequence[Record], registry: Registry) -> str:
    """The mask and projection of every run; where its model can't be loaded, the reason."""
    loaded = [(record, _load(record, registry)) for record in records]
    seen = [(record, model if isinstance(model, str) else model.mask()) for record, model in loaded]
    drawn = [mask for _, mask in seen if not isinstance(mask, str)]
    room = max((len(mask.names) for mask in drawn), default=0)
    masks = [part for record, mask in seen for part in _masks(record, mask, len(records) > 1, room)]
    embeddings = [_projection(record, model, len(records) > 1, i) for i, (record, model) in enumerate(loaded)]
    return "\n".join(
        (
            section("Mask", note(legend_of(name for mask in drawn for name in mask.names)), pictures(masks)),
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
        drawn = draw_mask(title, allowed, mask.names, mask.block, room)
        yield picture(drawn, f"Attention mask of {title}: {seen}.", mask_width(max(room, len(mask.names))))


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
