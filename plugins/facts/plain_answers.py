"""``plain``: the answers of the language model by itself, without the components trained beside it.

A question may have several right answers, and the model may give any of them. If the fact asked is not trained, the
answers that training facts state to its question do not count, as repeating them takes no reversal.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from jepa_core import EvaluationContext, SampleSet, hookimpl
from jepa_core.model.evaluating import evaluating
from jepa_core.samples.draws import sequence_ids
from jepa_core.samples.sample_set import parts_of
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.entities import facts_of
from jepa_plugins.facts.joined_set import of_data, of_group
from jepa_plugins.facts.roles import Role, SampleType

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: The figure's name; of rehearsed and other questions it has a suffix.
NAME = "plain_joint_accuracy"
#: The share of a set's questions that are answered as a training fact does, though another answer is asked for; only
#: where there are such questions.
KNOWN = "plain_trained_answer"
Ids = tuple[int, ...]


class PlainAnswers:
    """Generates greedily from the question, as anybody would with the saved model; an answer counts if all of its
    tokens are right. No mask, position, recall or predictor of the objective takes part.

    right: says which answers count; rehearsed: sets of facts that are not in the data; where there are any, figures are
    also given apart for questions among them, whatever the answer there, and others.
    """

    def __init__(self, model: PreTrainedModel, right: RightNames, rehearsed: Iterable[SampleSet] = ()):
        self.model: Any = model  # that it generates is none of the class's own
        self.right = right
        asked = [question_ids(facts) for facts in facts_of(rehearsed)]
        self.rehearsed = torch.cat(asked) if asked else None

    @torch.no_grad()
    def __call__(self, name: str, samples: SampleSet, batch_size: int) -> dict[str, float]:
        with evaluating(self.model):
            parts = [self._right(samples, rows) for rows in parts_of(len(samples), batch_size)]
        right, asked, known, mixed = (torch.cat([part[i] for part in parts] or [torch.zeros(0)]) for i in range(4))
        found = {NAME: share(right)}
        if bool(mixed.any()):
            found[KNOWN] = share(known)
        if self.rehearsed is not None and len(right):
            both = {"rehearsed": torch.isin(asked, self.rehearsed), "not_rehearsed": ~torch.isin(asked, self.rehearsed)}
            found |= {f"{NAME}_{group}": share(right[rows]) for group, rows in both.items() if bool(rows.any())}
        return found

    def _right(self, samples: SampleSet, rows: range) -> tuple[Tensor, ...]:
        """Asks these questions, those of the same shape together, without padding. Returns, ``b`` each: whether the
        answer is right, the question, whether the answer is a trained one that does not count, and whether there is any
        such."""
        batch = samples.__getitems__(rows)
        facts = Samples.of_batch(batch)
        questions = question_ids(facts)
        names = [self.right.of(int(asked), own) for asked, own in zip(questions, tails(facts), strict=True)]
        asked = facts.valid.sum(dim=1) - (facts.tags == Role.TAIL).sum(dim=1)
        told = torch.tensor([max(map(len, (*counts, *known))) for counts, known in names], dtype=torch.int64)
        shapes = torch.stack([asked, told], dim=1)
        found = torch.zeros(3, len(facts), dtype=torch.bool)
        for shape in shapes.unique(dim=0):
            alike = (shapes == shape).all(dim=1).nonzero().flatten()
            prompts = facts.ids[alike][:, : int(shape[0])]
            for row, ids in zip(alike.tolist(), self._generated(prompts, int(shape[1])).tolist(), strict=True):
                counts, known = names[row]
                found[:, row] = torch.tensor([starts(ids, counts), starts(ids, known), bool(known)])
        return found[0], questions, found[1], found[2]

    def _generated(self, questions: Tensor, length: int) -> Tensor:
        """Generates the tokens that follow, ``b length``."""
        ids = questions.to(self.model.device)
        options = {"min_new_tokens": length, "max_new_tokens": length, "do_sample": False, "num_beams": 1}
        made = self.model.generate(ids, attention_mask=torch.ones_like(ids), **options)
        return made[:, ids.shape[1] :].cpu()


class RightNames:
    """Knows which answers of a question count. train: the sets whose facts are trained; others: those with more."""

    def __init__(self, train: Iterable[SampleSet], others: Iterable[SampleSet]):
        self.trained, self.held_out = _stated(train), _stated(others)

    def of(self, question: int, own: Ids) -> tuple[set[Ids], set[Ids]]:
        """Returns the names that count where `own` is the answer of the fact asked, and those that do not, since
        training facts state them and not `own`."""
        trained, every = self.trained.get(question, set()), {own} | self.held_out.get(question, set())
        return (every | trained, set()) if own in trained else (every - trained, trained)


def _stated(sets: Iterable[SampleSet]) -> dict[int, set[Ids]]:
    """Collects the answers of each question."""
    found: dict[int, set[Ids]] = {}
    for facts in facts_of(sets):
        for question, tail in zip(question_ids(facts).tolist(), tails(facts), strict=True):
            found.setdefault(question, set()).add(tail)
    return found


def tails(facts: Samples) -> Iterator[Ids]:
    """Yields the tokens of each fact's answer."""
    for ids, tags in zip(facts.ids.tolist(), facts.tags.tolist(), strict=True):
        yield tuple(token for token, tag in zip(ids, tags, strict=True) if tag == Role.TAIL)


def starts(ids: list[int], names: Iterable[Ids]) -> bool:
    """Tells whether the first tokens are one of these names."""
    return any(tuple(ids[: len(name)]) == name for name in names)


def question_ids(facts: Samples) -> Tensor:
    """The question ``b`` int64 of each fact, equal for facts of the same head and relation."""
    return sequence_ids(facts.ids, (facts.tags == Role.HEAD) | (facts.tags == Role.RELATION))


def share(right: Tensor) -> float:
    """The share of true values; 0 where there are none."""
    return float(right.double().mean()) if len(right) else 0.0


def plain(context: EvaluationContext) -> PlainAnswers:
    """The share of questions that the language model alone answers, by greedy generation; any right answer counts, but
    for held-out facts none that training facts state."""
    data = context.data
    right = RightNames([of_data(data.train)], data.evaluation.values())
    return PlainAnswers(context.objective.model, right, of_group(data.train, SampleType.REHEARSED))


plain.prefix = "plain_"  # type: ignore[attr-defined]


@hookimpl
def jepa_evaluations() -> Mapping[str, object]:
    return {"plain": plain}
