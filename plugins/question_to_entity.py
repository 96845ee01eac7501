"""``question_to_entity``: from the question ``[head, r, mask]`` to the entity that answers it."""

from __future__ import annotations

from collections.abc import Mapping

from jepa_core import hookimpl
from jepa_core.components import BuildContext
from jepa_core.views.facts import Facts, Role
from jepa_core.views.reverse import Inverse, question_of, reverse
from jepa_core.views.views import NewBlock, Part, Views
from jepa_plugins.lookup_reversal import lookup


class QuestionToEntity:
    """Source: head, relation and mask of a fact; target: its tail. Both are parts of the fact: no new tokens.

    The target is an entity and no fact, so nothing held out leaks and every trained fact may count. With
    `inverse` (ids of relations to those of their inverses) the fact is asked the other way round too,
    ``[tail, r', mask]`` as a new block, with its own head for a target. That *is* the held-out question of a
    fact trained in one direction, so then pairs of type ``atomic`` leak.
    """

    def __init__(self, inverse: Inverse | None = None):
        self.inverse = inverse
        self.leaks_on = () if inverse is None else ("atomic",)

    def __call__(self, facts: Facts) -> Views:
        forward = Part(facts.valid & (facts.roles != Role.TAIL)), Part(facts.roles == Role.TAIL)
        if self.inverse is None:
            return Views((forward,))
        asked = question_of(reverse(facts, self.inverse))
        return Views((forward, (NewBlock(asked), Part(facts.roles == Role.HEAD))))


def question_to_entity(context: BuildContext, both_directions: bool = False) -> QuestionToEntity:
    """From the question to the entity that answers it, inside the fact's own row.

    both_directions: ask also for the head, given the tail and the inverse relation that the vocabulary names;
    this leaks on `atomic` facts, so keep them out with the filter sample_type.
    """
    return QuestionToEntity(lookup(context).inverse if both_directions else None)


@hookimpl
def jepa_reversal_strategies() -> Mapping[str, object]:
    return {"question_to_entity": question_to_entity}
