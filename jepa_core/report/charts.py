"""The curves of a report, as data; nothing is drawn here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from jepa_core.display.chart import Chart, Line, Series
from jepa_core.report.record import Record

#: The metrics of a split that are drawn.
METRICS = {
    "mrr": "Mean reciprocal rank",
    "joint_accuracy": "Joint accuracy",
    "ntp_loss": "Next-token loss",
    "jepa_loss": "JEPA loss",
}


Get = Callable[[Record], Series]


def chart(title: str, records: Sequence[Record], quantities: dict[str, Get], **options: Any) -> Chart | None:
    """Puts the quantities of all runs in one chart; None where no run has any of them.

    On every page a colour stands for a run and a dash for a quantity. records: all of the page, as their order decides
    the colours.
    """
    lines = [
        Line(record.name, label if len(quantities) > 1 else "", series, i, j)
        for i, record in enumerate(records)
        for j, (label, get) in enumerate(quantities.items())
        if (series := get(record))
    ]
    return Chart(title, tuple(lines), **options) if lines else None


def _logged(key: str) -> Get:
    return lambda record: record.log.series(key)


def losses(records: Sequence[Record]) -> list[Chart | None]:
    return [
        chart("Total loss", records, {"total": _logged("loss")}),
        chart("Next-token loss", records, {"NTP": _logged("ntp_loss")}),
        chart("JEPA loss", records, {"JEPA": _logged("jepa_loss")}),
    ]


def course(records: Sequence[Record]) -> list[Chart | None]:
    return [
        chart("Learning rate", records, {"rate": _logged("learning_rate")}, scale="from zero"),
        chart("Gradient norm before clipping", records, {"norm": _logged("grad_norm")}),
        chart("Samples per second", records, {"samples": _logged("samples_per_second")}, scale="from zero"),
        chart("Tokens per second", records, {"tokens": _logged("tokens_per_second")}, scale="from zero"),
        chart("Counted pairs a step", records, {"pairs": _logged("jepa_pairs")}, scale="from zero"),
    ]


def gradients(records: Sequence[Record]) -> list[Chart | None]:
    norms = {"NTP": "health_ntp_gradient_norm", "JEPA": "health_jepa_gradient_norm"}
    return [
        chart("Gradient norm of each term", records, {label: _logged(key) for label, key in norms.items()}),
        chart(
            "Cosine of the two gradients",
            records,
            {"cosine": _logged("health_gradient_cosine")},
            scale="cosine",
        ),
    ]


def embeddings(records: Sequence[Record]) -> list[Chart | None]:
    def sides(name: str) -> dict[str, Get]:
        return {side: _logged(f"health_{side}_{name}") for side in ("predicted", "target")}

    return [
        chart("Effective rank", records, sides("rank"), scale="from zero"),
        chart("Mean cosine of two embeddings", records, sides("cosine"), scale="cosine"),
    ]


def metrics(records: Sequence[Record]) -> list[Chart | None]:
    """One chart a metric, or a metric and split for several runs, as far as one of them measured it while it trained;
    none where nothing was measured on the way."""
    logged = {key for record in records for line in record.log.lines for key in line if key.startswith("eval_")}

    def drawn(split: str, name: str) -> bool:
        return f"eval_{split}_{name}" in logged if len(records) > 1 else bool(logged)

    return list(_by_split(records, _metric, "step", drawn))


def layers(records: Sequence[Record]) -> list[Chart | None]:
    """Charts of the finished runs' metrics over the layers, where their recipes asked for these."""
    return list(_by_split(records, _by_layer, "layer"))


def _by_split(
    records: Sequence[Record],
    get: Callable[[Record, str, str], Series],
    across: str,
    drawn: Callable[[str, str], bool] = lambda split, name: True,
) -> Iterator[Chart | None]:
    splits = list(dict.fromkeys(split for record in records for split in record.splits))
    groups = [splits] if len(records) == 1 else [[split] for split in splits]
    for name, title in _titles(records).items():
        scale = "auto" if name.endswith("loss") else "share"
        for group in [group for group in groups if any(drawn(split, name) for split in group)]:
            quantities = {split: _getter(get, split, name) for split in group}
            where = f", {group[0]}" if len(records) > 1 else ""
            yield chart(f"{title}{where}", records, quantities, scale=scale, across=across)


def _titles(records: Sequence[Record]) -> dict[str, str]:
    """Name -> title of the metrics drawn; the mean reciprocal rank of a further evaluation, if any, comes first."""
    found = dict.fromkeys(name for record in records for name in _measured(record))
    ranked = [name for name in found if name.endswith("_mrr") and f"{name[:-4]}_hits@1" in found]
    further = {name: f"{name[:-4].replace('_', ' ').capitalize()} mean reciprocal rank" for name in ranked[:1]}
    return {**further, **METRICS}


def _measured(record: Record) -> Iterator[str]:
    """Yields the names of a run's metrics, the final ones and those measured while it trained."""
    yield from (name for of in (record.metrics or {}).values() for name in of)
    logged = dict.fromkeys(key for line in record.log.lines for key in line)
    for split in record.splits:
        yield from (key.removeprefix(f"eval_{split}_") for key in logged if key.startswith(f"eval_{split}_"))


def _getter(get: Callable[[Record, str, str], Series], split: str, name: str) -> Get:
    return lambda record: get(record, split, name)


def _metric(record: Record, split: str, name: str) -> Series:
    final = (record.metrics or {}).get(split, {}).get(name)
    return record.log.series(f"eval_{split}_{name}").then(record.log.step, final)


def _by_layer(record: Record, split: str, name: str) -> Series:
    found = (record.metrics or {}).get(split, {}).get("layers", {})
    points = [(int(layer), of[name]) for layer, of in found.items() if of.get(name) is not None]
    return Series(tuple(layer for layer, _ in points), tuple(value for _, value in points))
