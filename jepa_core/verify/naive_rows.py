"""The rows of the naive passes: a sample and its views, as plain lists of one entry a token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from jepa_core.objective.objective import JepaObjective
from jepa_core.samples.samples import PRED, Samples
from jepa_core.views.pairs import Branch, NewBlock, Part, View


@dataclass
class PackedRow:
    """Blocks one after another, as plain lists of one entry a token.

    cut: the end of the prefix, in the row of a branch; cut_inside: whether it divides a span of the sample.
    """

    ids: list[int] = field(default_factory=list)
    tags: list[int] = field(default_factory=list)
    block: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    cut: int | None = None
    cut_inside: bool = False

    def add(self, ids: list[int], tags: list[int], start: int) -> list[int]:
        """Adds a block whose position ids begin at `start`; returns the places of its tokens."""
        number = self.block[-1] + 1 if self.block else 0
        self.ids += ids
        self.tags += tags
        self.block += [number] * len(ids)
        self.positions += range(start, start + len(ids))
        return list(range(len(self.ids) - len(ids), len(self.ids)))


@dataclass
class Placed:
    """A view's place: the places of its block in a row, and which of them are the view's."""

    row: PackedRow
    block: list[int]
    select: list[bool]


class Rows:
    """The rows of a sample: one with the sample and its new blocks, and one for every branch."""

    def __init__(self, objective: JepaObjective, sample: Samples, sources: Sequence[View]):
        self.positions = objective.spec.positions
        self.preds = list(objective.spec.pred_ids)
        real = sample.valid[0]
        self.ids, self.tags = sample.ids[0][real].tolist(), sample.tags[0][real].tolist()
        at_end = any(isinstance(source, Part) and not source.branch for source in sources)
        extra = self.preds if at_end else []
        self.main = PackedRow()
        self.first = self.main.add([*self.ids, *extra], [*self.tags, *[PRED] * len(extra)], 0)
        self.start = len(self.first)
        self.rows = [self.main]
        self.labels: list[tuple[PackedRow, int, int]] = []

    def place(self, view: View, is_source: bool) -> Placed:
        extra = self.preds if is_source else []
        if isinstance(view, Part) and view.branch and extra:
            last = max(i for i, chosen in enumerate(view.select[0].tolist()) if chosen)
            return self._branch(last + 1, extra, [PRED] * len(extra), [True] * len(extra))
        if isinstance(view, Part):
            chosen = view.select[0].tolist()[: len(self.ids)]
            return Placed(self.main, self.first, [*chosen, *[is_source] * (len(self.first) - len(chosen))])
        return self._new(view, extra)

    def _new(self, view: NewBlock, extra: list[int]) -> Placed:
        real = view.samples.valid[0]
        ids, tags, chosen = (v[0][real].tolist() for v in (view.samples.ids, view.samples.tags, view.selected))
        ids, tags, chosen = [*ids, *extra], [*tags, *[PRED] * len(extra)], [*chosen, *[True] * len(extra)]
        if isinstance(view, Branch) and view.after is not None:
            placed = self._branch(int(view.after[0]), ids, tags, chosen)
        else:
            placed = Placed(self.main, self.main.add(ids, tags, self._begin()), chosen)
            self.start += len(ids)
        if view.labels is not None:
            labels = view.labels[0][real].tolist()
            wanted = [(placed.block[i] - 1, label) for i, label in enumerate(labels) if i and label >= 0]
            self.labels += [(placed.row, at, label) for at, label in wanted]
        return placed

    def _begin(self) -> int:
        return self.start if self.positions == "continue" else 0

    def _branch(self, after: int, ids: list[int], tags: list[int], select: list[bool]) -> Placed:
        """Makes a row of the prefix and the branch, as if that came right after it."""
        inside = 0 < after < len(self.tags) and self.tags[after - 1] == self.tags[after]
        row = PackedRow(cut=after, cut_inside=inside)
        row.add([*self.ids[:after], *ids], [*self.tags[:after], *tags], 0)
        self.rows.append(row)
        self.start += len(ids)
        return Placed(row, list(range(after, after + len(ids))), select)
