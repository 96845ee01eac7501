"""A run's model, or what there is of it yet, at work on real samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from jepa_core.assembly.build import build_objective, load_data
from jepa_core.checkpoint.choosing import newest
from jepa_core.components import declared
from jepa_core.folder.run_folder import RunFolder, read_json
from jepa_core.objective.objective import JepaObjective
from jepa_core.recipe.load import load_recipe
from jepa_core.registry import Registry
from jepa_core.report.projection import PAIRS
from jepa_core.samples.samples import Role
from jepa_core.samples.token_names import Vocabulary
from jepa_core.views.row_tokens import Tokens
from jepa_core.views.visibility import visible
from jepa_plugins.facts.fact_set import Batch

#: Samples looked through for counted pairs.
SEARCHED = 2000


@dataclass(frozen=True)
class MaskPicture:
    """allowed: layers (``layer 0``, ``layers 0–3``) -> ``t t`` bool; names, block: of the ``t`` tokens."""

    allowed: dict[str, Tensor]
    names: list[str]
    block: Tensor


@dataclass(frozen=True)
class Specimen:
    """paired, first: samples of the training set, those whose pair counts (as in evaluation) and the first.

    weights: where the objective's come from; None for those it would start from.
    """

    objective: JepaObjective
    vocabulary: Vocabulary
    paired: Batch
    first: Batch
    weights: Path | None

    def mask(self) -> MaskPicture:
        """What each token of one real sample may see, by name; of one that has a second view, if any does."""
        sample = _rows(self.paired, 1) if len(self.paired["index"]) else self.first
        blocks = self.objective.plan(sample).blocks
        ids, roles = (torch.cat([getattr(b, name) for b in blocks], dim=1) for name in ("ids", "roles"))
        block = torch.cat([torch.full_like(b.ids, i) for i, b in enumerate(blocks)], dim=1)
        builder, tokens, real = self.objective.mask, Tokens.of(roles, block), (roles[0] != Role.PAD)
        count = self.objective.transformer.num_layers if declared("mask", builder, "by_layer") else 1
        by_layer = [visible(builder, tokens, layer).expand(1, -1, -1)[0][real][:, real] for layer in range(count)]
        names = [self.vocabulary.name(i) for i in ids[0][real].tolist()]
        return MaskPicture(_grouped(by_layer), names, block[0][real])

    @torch.no_grad()
    def embeddings(self) -> tuple[Tensor, Tensor] | None:
        """Predicted and target ``n d`` of up to `PAIRS` pairs; None where no pair counts."""
        plan = self.objective.plan(self.paired)
        if not plan.jepa_pairs:
            return None
        pairs = self.objective.embeddings(plan, self.objective.hidden_states(plan))
        predicted, target = (torch.cat(side)[:PAIRS] for side in zip(*pairs, strict=True))
        return predicted, target


def load_specimen(folder: RunFolder, registry: Registry) -> Specimen:
    """From the finished run's weights, the last checkpoint's, or none.

    Raises JepaError where the recipe's plugins, data or weights are not what they were.
    """
    recipe = load_recipe(folder.recipe, registry=registry)
    vocabulary = Vocabulary.from_json(read_json(folder.vocabulary))
    weights = folder.model if folder.finished else newest(folder.checkpoints, None, lambda problem: None)
    objective = build_objective(recipe, vocabulary, registry, weights).eval()
    train = load_data(recipe, registry).train
    some = train.__getitems__(range(min(SEARCHED, len(train))))
    counted = objective.planner.eligible(some, step=0, training=False).nonzero().flatten()[:PAIRS]
    paired = train.__getitems__(counted.tolist())
    return Specimen(objective, vocabulary, paired, _rows(some, 1), weights)


def _rows(batch: Batch, count: int) -> dict[str, Any]:
    return {key: value[:count] for key, value in batch.items()}


def _grouped(by_layer: list[Tensor]) -> dict[str, Tensor]:
    """Neighbouring layers with the same mask in one; one alone is for ``every layer``."""
    starts = [i for i, mask in enumerate(by_layer) if i == 0 or not torch.equal(mask, by_layer[i - 1])]
    if len(starts) == 1:
        return {"every layer": by_layer[0]}
    ends = [*(start - 1 for start in starts[1:]), len(by_layer) - 1]
    return {
        f"layer {start}" if start == end else f"layers {start}–{end}": by_layer[start]
        for start, end in zip(starts, ends, strict=True)
    }
