"""A run's model, in its latest state, at work on real samples."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from jepa_core.assembly.load import load_weights_of
from jepa_core.checkpoint.choosing import newest
from jepa_core.display.projection import PAIRS
from jepa_core.folder.run_folder import RunFolder
from jepa_core.objective.objective import JepaObjective
from jepa_core.registry import Registry
from jepa_core.samples.sample_set import Batch
from jepa_core.samples.token_names import TokenNames
from jepa_core.verify.mask_picture import MaskPicture, mask_of

#: Samples looked through for counted pairs.
SEARCHED = 2000


@dataclass(frozen=True)
class Specimen:
    """paired, first: samples of the training set, those with a counted pair (as in evaluation) and the very first.

    weights: the source of the objective's weights; None for the initial ones.
    """

    objective: JepaObjective
    vocabulary: TokenNames
    paired: Batch
    first: Batch
    weights: Path | None

    def mask(self) -> MaskPicture:
        """Draws which token of a real sample may see which; takes one with a second view, if there is any."""
        sample = _rows(self.paired, 1) if len(self.paired["index"]) else self.first
        return mask_of(self.objective, self.vocabulary, sample)

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
    """Loads the finished run's weights, else the last checkpoint's, else none; stays off the network.

    Raises JepaError where the recipe's plugins, data or weights are not what they were.
    """
    folder.refuse_leading_out(folder.checkpoints)
    weights = folder.model if folder.finished else newest(folder.checkpoints, None, lambda problem: None)
    loaded = load_weights_of(folder, weights, registry)
    objective, train = loaded.objective, loaded.data.train
    some = train.__getitems__(range(min(SEARCHED, len(train))))
    counted = objective.planner.eligible(some, step=0, training=False).nonzero().flatten()[:PAIRS]
    paired = train.__getitems__(counted.tolist())
    return Specimen(objective, loaded.vocabulary, paired, _rows(some, 1), weights)


def _rows(batch: Batch, count: int) -> dict[str, Any]:
    return {key: value[:count] for key, value in batch.items()}
