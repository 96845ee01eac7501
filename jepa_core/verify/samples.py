"""Samples for a person to read, token by token, with their labels and views."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import Tensor

from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.plan import Plan
from jepa_core.samples.sample_set import Batch
from jepa_core.samples.samples import PAD
from jepa_core.samples.token_names import TokenNames
from jepa_core.verify.words import count, tag_names

COLUMNS = ("block", "position id", "token", "id", "tag", "label", "view")


@dataclass(frozen=True)
class SampleTable:
    """title: the sample's group and the losses it pays; rows: a token each, the cells of `COLUMNS`."""

    title: str
    rows: list[tuple[str, ...]]


def sample_tables(
    objective: JepaObjective, vocabulary: TokenNames, batch: Batch, tags: Sequence[str], step: int = 0
) -> list[SampleTable]:
    """Tabulates every sample of `batch` as this step would train it."""
    plan = objective.plan(batch, step)
    rows = range(len(batch["index"]))
    groups = objective.spec.groups
    return [SampleTable(_title(plan, batch, row, groups), list(_rows(plan, vocabulary, row, tags))) for row in rows]


def _title(plan: Plan, batch: Batch, row: int, groups: Sequence[str]) -> str:
    labels = sum(len(_labels(plan, number, row)) for number in range(len(plan.blocks)))
    views = [pair.source for pair in plan.pairs]
    pairs = sum(int((plan.blocks[view.block].sample[view.rows] == row).sum()) for view in views)
    pays = [f"NTP ({count(labels, 'label')})"] * bool(labels) + [f"JEPA ({count(pairs, 'pair')})"] * bool(pairs)
    kind = groups[int(batch["group"][row])] if groups else int(batch["group"][row])
    return f"sample {int(batch['index'][row])}, {kind}: pays {' and '.join(pays) or 'nothing'}"


def _rows(plan: Plan, vocabulary: TokenNames, row: int, tags: Sequence[str]) -> Iterator[tuple[str, ...]]:
    tag_name = tag_names(tags)
    for number, block in enumerate(plan.blocks):
        labels = _labels(plan, number, row)
        for at in (block.sample == row).nonzero().flatten().tolist():
            views = _views(plan, number, at)
            for column in (block.tags[at] != PAD).nonzero().flatten().tolist():
                token = int(block.ids[at, column])
                label = labels.get(column)
                yield (
                    str(number),
                    str(int(block.positions[at, column])),
                    vocabulary.spelled(token),
                    str(token),
                    tag_name.get(int(block.tags[at, column]), ""),
                    "" if label is None else vocabulary.spelled(label),
                    ", ".join(name for name, select in views if bool(select[column])),
                )


def _labels(plan: Plan, block: int, sample: int) -> dict[int, int]:
    """Column -> label of a sample in a block."""
    found: dict[int, int] = {}
    for labels in plan.labels_by_block:
        if labels.block == block:
            own = plan.blocks[block].sample[labels.rows] == sample
            found |= dict(zip((labels.columns[own] + 1).tolist(), labels.ids[own].tolist(), strict=True))
    return found


def _views(plan: Plan, block: int, row: int) -> list[tuple[str, Tensor]]:
    """The views in a row of a block, with their tokens ``w``; called ``source`` and ``target``, and numbered when
    there are several pairs."""
    found = []
    for number, pair in enumerate(plan.pairs):
        for side, view in zip(("source", "target"), pair, strict=True):
            places = (view.rows == row).nonzero().flatten().tolist() if view.block == block else []
            name = side if len(plan.pairs) == 1 else f"{side} {number}"
            found += [(name, view.select[place]) for place in places]
    return found


def mixed_rows(counted: list[int], others: list[int], size: int) -> list[int]:
    """Picks rows of both kinds, half of each where there are enough."""
    first = counted[: max(-(-size // 2), size - len(others))]
    return [*first, *others[: size - len(first)]]
