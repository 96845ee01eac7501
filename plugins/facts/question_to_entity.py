"""``question_to_entity``: from the question ``[head, r, mask]`` to the entity that answers it."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from jepa_core import BuildContext, hookimpl
from jepa_core.samples.samples import IGNORE, Samples
from jepa_core.views.pairs import NewBlock, Part, View, Views
from jepa_plugins.facts.lookup_reversal import lookup
from jepa_plugins.facts.reverse import Inverse, question_of, reverse
from jepa_plugins.facts.roles import Role


class QuestionToEntity:
    """Source: head, relation and mask of a fact; target: its tail. Both are parts of the fact: no new tokens.

    The target is an entity and no fact, so nothing held out leaks and every trained fact may count. With
    `inverse` (ids of relations to those of their inverses) the fact is asked the other way round too,
    ``[tail, r', mask]`` as a new block, with its own head for a target. That *is* the held-out question of a
    fact trained in one direction, so then pairs of type ``atomic`` leak. With `autoencode` the head is also asked
    for itself and spelled, ``[head, mask, head]`` as a new block with labels, so that entities which are never an
    answer in training can be spelled too. With `apart` targets are new blocks, entities all alone: where the mask
    lets an answer see its question, as plain causal layers do, a target in the fact's own row gives itself away.
    """

    def __init__(self, inverse: Inverse | None = None, autoencode: bool = False, apart: bool = False):
        self.inverse = inverse
        self.autoencode = autoencode
        self.apart = apart
        self.leaks_on = () if inverse is None else ("atomic",)

    def __call__(self, facts: Samples) -> Views:
        question = Part(facts.valid & (facts.tags != Role.TAIL))
        pairs: list[tuple[View, View]] = [(question, self._entity(facts, Role.TAIL))]
        if self.inverse is not None:
            pairs.append((NewBlock(question_of(reverse(facts, self.inverse))), self._entity(facts, Role.HEAD)))
        if self.autoencode:
            pairs.append((itself(facts), self._entity(facts, Role.HEAD)))
        return Views(tuple(pairs))

    def _entity(self, facts: Samples, role: int) -> View:
        chosen = facts.tags == role
        return NewBlock(facts.where(chosen)) if self.apart else Part(chosen)


def itself(facts: Samples) -> NewBlock:
    """Makes ``[head, mask, head]``, which asks an entity for itself; the question is the view, the answer labelled."""
    asked = facts.tags.where((facts.tags == Role.HEAD) | (facts.tags == Role.MASK), Role.PAD)
    answer = torch.where(facts.tags == Role.HEAD, Role.TAIL, Role.PAD)
    twice = Samples(torch.cat([facts.ids, facts.ids], dim=1), torch.cat([asked, answer], dim=1))
    made = twice.where(twice.valid)
    is_answer = made.tags == Role.TAIL
    return NewBlock(made, select=made.valid & ~is_answer, labels=made.ids.where(is_answer, IGNORE))


def question_to_entity(
    context: BuildContext, both_directions: bool = False, autoencode: bool = False, apart: bool = False
) -> QuestionToEntity:
    """Pairs a question with the entity that answers it; without options, both inside the fact's own row.

    both_directions: ask also for the head, given the tail and the inverse relation that the vocabulary names;
    this leaks on `atomic` facts, so keep them out with the filter sample_type. autoencode: ask also for the head,
    given itself, and train next-token prediction to spell it, where the JEPA loss has a weight; read the source at the
    mask token, since predictor tokens come after the answer. apart: entities as targets in blocks of their own, for
    masks under which they would see the question.
    """
    return QuestionToEntity(lookup(context).inverse if both_directions else None, autoencode, apart)


@hookimpl
def jepa_reversal_strategies() -> Mapping[str, object]:
    return {"question_to_entity": question_to_entity}
