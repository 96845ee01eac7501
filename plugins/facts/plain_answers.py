"""``plain``: what the language model answers by itself, without any of what was trained beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from jepa_core import EvaluationContext, SampleSet, hookimpl
from jepa_core.model.evaluating import evaluating
from jepa_core.samples.draws import sequence_ids
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.entities import facts_of
from jepa_plugins.facts.joined_set import of_group
from jepa_plugins.facts.roles import Role, SampleType

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: What is told of the questions in both, and of those in one of them.
NAME = "plain_joint_accuracy"


class PlainAnswers:
    """Generates greedily from the question, as anybody does who loads the saved model; the answer counts where every
    token of it is right. No mask, position, recall or predictor of the objective is there.

    rehearsed: sets of facts that no data state; where there are any, figures are told apart by whether the question,
    whatever was answered, is among them.
    """

    def __init__(self, model: PreTrainedModel, rehearsed: Iterable[SampleSet] = ()):
        self.model: Any = model  # that it generates is none of the class's own
        asked = [question_ids(facts) for facts in facts_of(rehearsed)]
        self.rehearsed = torch.cat(asked) if asked else None

    @torch.no_grad()
    def __call__(self, name: str, samples: SampleSet, batch_size: int) -> dict[str, float]:
        with evaluating(self.model):
            starts = range(0, len(samples), batch_size)
            parts = [self._right(samples, range(s, min(s + batch_size, len(samples)))) for s in starts]
        right, asked = (torch.cat([part[i] for part in parts] or [torch.zeros(0)]) for i in (0, 1))
        found = {NAME: share(right)}
        if self.rehearsed is not None and len(right):
            both = {"rehearsed": torch.isin(asked, self.rehearsed), "not_rehearsed": ~torch.isin(asked, self.rehearsed)}
            found |= {f"{NAME}_{group}": share(right[rows]) for group, rows in both.items() if bool(rows.any())}
        return found

    def _right(self, samples: SampleSet, rows: range) -> tuple[Tensor, Tensor]:
        """Which of these are answered right, and their questions, ``b`` each; those of like shape are asked together,
        so that nothing is padded."""
        batch = samples.__getitems__(rows)
        facts = Samples(batch["input_ids"], batch["tags"])
        answer = (facts.tags == Role.TAIL).sum(dim=1)
        shapes = torch.stack([facts.valid.sum(dim=1) - answer, answer], dim=1)
        right = torch.zeros(len(facts), dtype=torch.bool)
        for asked, told in shapes.unique(dim=0).tolist():
            alike = (shapes == torch.tensor([asked, told])).all(dim=1)
            ids = facts.ids[alike][:, : asked + told]
            right[alike] = (self._generated(ids[:, :asked], told) == ids[:, asked:]).all(dim=1)
        return right, question_ids(facts)

    def _generated(self, questions: Tensor, length: int) -> Tensor:
        """``b length``: the tokens that follow."""
        ids = questions.to(self.model.device)
        options = {"min_new_tokens": length, "max_new_tokens": length, "do_sample": False, "num_beams": 1}
        made = self.model.generate(ids, attention_mask=torch.ones_like(ids), **options)
        return made[:, ids.shape[1] :].cpu()


def question_ids(facts: Samples) -> Tensor:
    """``b`` int64, equal for facts of the same head and relation."""
    return sequence_ids(facts.ids, (facts.tags == Role.HEAD) | (facts.tags == Role.RELATION))


def share(right: Tensor) -> float:
    """Of the true ones; 0 of none."""
    return float(right.double().mean()) if len(right) else 0.0


def plain(context: EvaluationContext) -> PlainAnswers:
    """The share of questions that the language model alone answers, by greedy generation."""
    return PlainAnswers(context.objective.model, of_group(context.data.train, SampleType.REHEARSED))


plain.prefix = "plain_"  # type: ignore[attr-defined]


@hookimpl
def jepa_evaluations() -> Mapping[str, object]:
    return {"plain": plain}
