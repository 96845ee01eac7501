"""``plain``: what the language model answers by itself, without any of what was trained beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from jepa_core import EvaluationContext, SampleSet, hookimpl
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.roles import Role


class PlainAnswers:
    """Generates greedily from the question, as anybody does who loads the saved model; the answer counts where every
    token of it is right. No mask, position, recall or predictor of the objective is there."""

    def __init__(self, model: Any):
        self.model = model

    @torch.no_grad()
    def __call__(self, name: str, samples: SampleSet, batch_size: int) -> dict[str, float]:
        training = self.model.training
        self.model.eval()
        try:
            starts = range(0, len(samples), batch_size)
            right = sum(self._right(samples, range(s, min(s + batch_size, len(samples)))) for s in starts)
        finally:
            self.model.train(training)
        return {"plain_joint_accuracy": right / max(len(samples), 1)}

    def _right(self, samples: SampleSet, rows: range) -> int:
        """How many of these are answered right; those of like shape are asked together, so that nothing is padded."""
        batch = samples.__getitems__(rows)
        facts = Samples(batch["input_ids"], batch["tags"])
        answer = (facts.tags == Role.TAIL).sum(dim=1)
        shapes = torch.stack([facts.valid.sum(dim=1) - answer, answer], dim=1)
        found = 0
        for asked, told in shapes.unique(dim=0).tolist():
            alike = facts.ids[(shapes == torch.tensor([asked, told])).all(dim=1)][:, : asked + told]
            found += int((self._generated(alike[:, :asked], told) == alike[:, asked:]).all(dim=1).sum())
        return found

    def _generated(self, questions: Tensor, length: int) -> Tensor:
        """``b length``: the tokens that follow."""
        ids = questions.to(self.model.device)
        options = {"min_new_tokens": length, "max_new_tokens": length, "do_sample": False, "num_beams": 1}
        made = self.model.generate(ids, attention_mask=torch.ones_like(ids), **options)
        return made[:, ids.shape[1] :].cpu()


def plain(context: EvaluationContext) -> PlainAnswers:
    """The share of questions that the language model alone answers, by greedy generation."""
    return PlainAnswers(context.objective.model)


plain.prefix = "plain_"  # type: ignore[attr-defined]


@hookimpl
def jepa_evaluations() -> Mapping[str, object]:
    return {"plain": plain}
