"""Changing tokens on the real model, and measuring which hidden states move.

Axes: ``m`` rows of a block, ``w`` its width, ``l`` layers, ``d`` width of the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from math import isnan, nan
from typing import Any

import torch
from torch import Tensor

from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.plan import Plan
from jepa_core.samples.samples import PAD
from jepa_core.tensors import wide
from jepa_core.verify.context import spread


@dataclass
class Movements:
    """The largest movements of hidden states, over samples, layers and width.

    crossing: (changed block, other block) -> movement of the other; earlier: of tokens before the changed one
    in its own block; own: the least movement of a changed token itself, at the last layer; samples: of other
    samples, padding: of any token when only padding changed; None where there is none.
    """

    crossing: dict[tuple[int, int], float] = field(default_factory=dict)
    earlier: float = 0.0
    own: float = float("inf")
    samples: float | None = None
    padding: float | None = None

    def of_others(self) -> list[float]:
        """Lists all movements but those of the changed tokens themselves."""
        figures = (*self.crossing.values(), self.earlier, self.samples, self.padding)
        return [figure for figure in figures if figure is not None]

    def above(self, least: float) -> Movements:
        """The movements with 0 for those of others up to `least`."""

        def cut(figure: float | None) -> Any:
            return 0.0 if figure is not None and figure <= least else figure

        crossing = {blocks: cut(figure) for blocks, figure in self.crossing.items()}
        return replace(
            self, crossing=crossing, earlier=cut(self.earlier), samples=cut(self.samples), padding=cut(self.padding)
        )


def measure(objective: JepaObjective, plan: Plan, columns: int) -> Movements:
    """Changes the tokens of every block, one column after the other (at most `columns`, evenly spaced); then a whole
    sample; then all padding."""
    probe, found = Probe(objective, plan), Movements()
    real = [block.tags != PAD for block in plan.blocks]
    for changed, block in enumerate(real):
        for column in spread(range(block.shape[1]), columns):
            moved = probe.movements(_column(real, changed, column))
            rows = block[:, column]
            for other, seen in enumerate(plan.blocks):
                if other != changed:
                    if seen.prefix is not None and changed == 0:  # a branch sees what it goes on from
                        moved[other] = moved[other] * (seen.prefix <= column)[:, None, None]
                    before = found.crossing.get((changed, other), 0.0)
                    found.crossing[changed, other] = worst([before, _most(moved[other])])
            found.earlier = worst([found.earlier, _most(moved[changed][:, :column])])
            found.own = min([found.own, *moved[changed][rows, column, -1].tolist()])
    if len(plan.blocks[0].sample) > 1:
        of_first = [_of_sample(block.sample == 0, one) for block, one in zip(plan.blocks, real, strict=True)]
        moved = probe.movements(of_first)
        others = (m[block.sample != 0] for m, block in zip(moved, plan.blocks, strict=True))
        found.samples = worst([_most(m) for m in others])
    if not all(bool(block.all()) for block in real):
        found.padding = worst([_most(m) for m in probe.movements([~block for block in real])])
    return found


def worst(values: Sequence[float]) -> float:
    """The largest value, 0 for none; NaN if one is."""
    return nan if any(map(isnan, values)) else max(values, default=0.0)


class Probe:
    """The hidden states of a plan, and their changes when some of its tokens change."""

    def __init__(self, objective: JepaObjective, plan: Plan):
        self.objective, self.plan = objective, plan
        self.before = states(objective, plan)

    def movements(self, change: Sequence[Tensor]) -> list[Tensor]:
        """The distance ``m w l`` by which each token of each block moves when those in `change` (``m w`` bool a block)
        become others. Padding itself does not count."""
        vocab = self.objective.transformer.vocab
        far = max(vocab // 2, 1)  # neighbours may have the same row: new tokens all start with the mean one
        blocks = tuple(
            replace(block, ids=block.ids.where(~changed, (block.ids + far) % vocab))
            for block, changed in zip(self.plan.blocks, change, strict=True)
        )
        changed_plan = replace(self.plan, blocks=blocks, arrangement=self.objective.layout.arrange(blocks))
        moved = []
        for old, new, block in zip(self.before, states(self.objective, changed_plan), blocks, strict=True):
            distance = (wide(new) - wide(old)).abs().amax(dim=-1).cpu()
            moved.append(distance.where((block.tags != PAD)[..., None], 0))
        return moved


@torch.no_grad()
def states(objective: JepaObjective, plan: Plan) -> list[Tensor]:
    """The hidden states ``m w l d`` of each block at every readable layer, run in the objective's layout."""
    transformer, layout = objective.transformer, objective.layout
    plan = plan.to(next(objective.parameters()).device)
    layers = transformer.readable
    found = []
    for call in plan.arrangement.calls:
        hidden = transformer(call.ids, call.positions, layout.mask(call), layers)
        found.append(torch.stack([hidden[layer] for layer in layers], dim=2).flatten(0, 1))
    flat = torch.cat(found)
    return [flat[places] for places in plan.arrangement.places]


def _column(real: Sequence[Tensor], block: int, column: int) -> list[Tensor]:
    """The real tokens of one column of one block."""
    change = [torch.zeros_like(one) for one in real]
    change[block][:, column] = real[block][:, column]
    return change


def _of_sample(rows: Tensor, real: Tensor) -> Tensor:
    return real & rows[:, None]


def _most(moved: Tensor) -> float:
    return float(moved.amax()) if moved.numel() else 0.0
