"""``plain``: the answers of the language model by itself, without the components trained beside it."""

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

#: The figure's name; of rehearsed and other questions it has a suffix.
NAME = "plain_joint_accuracy"


class PlainAnswers:
    """Generates greedily from the question, as anybody would with the saved model; an answer counts if all of its
    tokens are right. No mask, position, recall or predictor of the objective takes part.

    rehearsed: sets of facts that are not in the data; where there are any, figures are also given apart for questions
    among them, whatever the answer there, and others.
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
        """Tells which of these are answered right, and their questions, ``b`` each; questions of the same shape are
        asked together, without padding."""
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
        """Generates the tokens that follow, ``b length``."""
        ids = questions.to(self.model.device)
        options = {"min_new_tokens": length, "max_new_tokens": length, "do_sample": False, "num_beams": 1}
        made = self.model.generate(ids, attention_mask=torch.ones_like(ids), **options)
        return made[:, ids.shape[1] :].cpu()


def question_ids(facts: Samples) -> Tensor:
    """The question ``b`` int64 of each fact, equal for facts of the same head and relation."""
    return sequence_ids(facts.ids, (facts.tags == Role.HEAD) | (facts.tags == Role.RELATION))


def share(right: Tensor) -> float:
    """The share of true values; 0 where there are none."""
    return float(right.double().mean()) if len(right) else 0.0


def plain(context: EvaluationContext) -> PlainAnswers:
    """The share of questions that the language model alone answers, by greedy generation."""
    return PlainAnswers(context.objective.model, of_group(context.data.train, SampleType.REHEARSED))


plain.prefix = "plain_"  # type: ignore[attr-defined]


@hookimpl
def jepa_evaluations() -> Mapping[str, object]:
    return {"plain": plain}
