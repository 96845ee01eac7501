"""``calibration``: whether the language model alone knows what it does not know.

The plain model's confidence in a question is the probability of the first token of its answer. The questions of a set
are compared with those without any answer: no training fact states one, and none follows from a training fact by the
table of inverse relations. Only this evaluation reads that table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from jepa_core import ComponentError, EvaluationContext, SampleSet, hookimpl
from jepa_core.model.evaluating import evaluating
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.entities import facts_of
from jepa_plugins.facts.joined_set import of_data
from jepa_plugins.facts.leaks import reverse_all
from jepa_plugins.facts.plain_answers import question_ids
from jepa_plugins.facts.reverse import question_of
from jepa_plugins.facts.unanswered import Unanswered, questions
from jepa_plugins.facts.vocabulary import Vocabulary

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Calibration:
    """unanswerable: ``q`` questions ``[head, relation, mask]`` without an answer."""

    def __init__(self, model: PreTrainedModel, unanswerable: Samples):
        self.model, self.unanswerable = model, unanswerable

    @torch.no_grad()
    def __call__(self, name: str, samples: SampleSet, batch_size: int) -> dict[str, float]:
        """Measures ``calibration_auc``, how often a question of the set is answered more surely than one without an
        answer (ties count half), and the mean confidence in both: ``calibration_sure`` and
        ``calibration_sure_unanswerable``."""
        with evaluating(self.model):
            sure = torch.cat([self._sure(question_of(facts), batch_size) for facts in facts_of([samples])])
            unsure = self._sure(self.unanswerable, batch_size)
        means = {"calibration_sure": float(sure.mean()), "calibration_sure_unanswerable": float(unsure.mean())}
        return {"calibration_auc": auc(sure, unsure), **means}

    def _sure(self, asked: Samples, batch_size: int) -> Tensor:
        """The probability ``q`` float64 of the first token of each answer."""
        found = torch.zeros(len(asked), dtype=torch.float64)
        lengths = asked.valid.sum(dim=1)
        for length in lengths.unique().tolist():
            for rows in (lengths == length).nonzero().flatten().split(batch_size):
                ids = asked.ids[rows, :length].to(self.model.device)
                logits = self.model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[:, -1]
                found[rows] = logits.double().softmax(dim=-1).amax(dim=-1).cpu()
        return found


def auc(higher: Tensor, lower: Tensor) -> float:
    """The share of pairs, one value from each side, in which the first is higher; ties count half.

    >>> auc(torch.tensor([3.0, 1.0]), torch.tensor([1.0, 0.0]))
    0.875
    """
    ordered = lower.sort().values
    below, up_to = (torch.searchsorted(ordered, higher, right=side) for side in (False, True))
    return float((below + up_to).double().mean() / (2 * len(lower)))


def unanswerable(context: EvaluationContext) -> Samples:
    """The questions of entities and relations of the training facts that have no answer.

    Raises ComponentError where the data do not tell the inverses of relations, or every question has an answer.
    """
    vocabulary = Vocabulary.of(context.data.vocabulary)
    if not vocabulary.inverse_ids:
        raise ComponentError("the data do not say which relation is the inverse of which, so any question may have one")
    train = of_data(context.data.train)
    asked = Unanswered.of(train)
    rows = questions(asked.entities.samples[asked.heads], asked.relation_ids[asked.relations], vocabulary.mask_id)
    follows = torch.cat([question_ids(reverse_all(facts, vocabulary)) for facts in facts_of([train])])
    without = rows[~torch.isin(question_ids(rows), follows)]
    if not len(without):
        raise ComponentError("every question has an answer, so there is nothing to compare with")
    return without


def calibration(context: EvaluationContext) -> Calibration:
    """Tells whether the language model alone is surer of a set's questions than of unanswerable ones."""
    return Calibration(context.objective.model, unanswerable(context))


@hookimpl
def jepa_evaluations() -> Mapping[str, object]:
    return {"calibration": calibration}
