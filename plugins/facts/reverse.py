"""Turning facts round: ``[head, r, mask, tail]`` becomes ``[tail, r', mask, head]``."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from jepa_core.samples.samples import Samples
from jepa_core.views.pairs import NewBlock, Part, Views
from jepa_plugins.facts.inverses import partner_name
from jepa_plugins.facts.roles import Role
from jepa_plugins.facts.vocabulary import Vocabulary

#: A function from the ids of relation tokens, ``r``, to those of their inverses.
Inverse = Callable[[Tensor], Tensor]

# The place of each role's tokens in the reversed fact, and the role they have there; indexed by Role.
_PLACE = torch.tensor([5, 3, 1, 2, 0, 4])
_ROLE = torch.tensor([Role.PAD, Role.TAIL, Role.RELATION, Role.MASK, Role.HEAD, Role.PRED])


def reverse_facts(facts: Samples, inverse_ids: Tensor) -> Samples:
    """Reverses facts, keeping shape and lengths.

    inverse_ids: ``b s``, the id of the inverse relation at the relation's tokens, ignored elsewhere.
    A stable sort by role moves whole spans and keeps the order inside each, so entities may have any length.

    >>> head, relation, mask, tail = 1, 2, 3, 4
    >>> fact = Samples(torch.tensor([[10, 11, 70, 99, 20]]), torch.tensor([[head, head, relation, mask, tail]]))
    >>> reverse_facts(fact, torch.full((1, 5), 71)).ids.tolist()
    [[20, 71, 99, 10, 11]]
    """
    tags = facts.tags.long()
    order = _PLACE.to(tags.device)[tags].argsort(dim=1, stable=True)
    ids = torch.where(tags == Role.RELATION, inverse_ids, facts.ids)
    return Samples(ids.gather(1, order), _ROLE.to(tags.device)[tags].gather(1, order))


def reverse(facts: Samples, inverse: Inverse) -> Samples:
    """Reverses facts, with `inverse` for their relations."""
    is_relation = facts.tags == Role.RELATION
    return reverse_facts(facts, facts.ids.masked_scatter(is_relation, inverse(facts.ids[is_relation])))


def fact_and_reverse(facts: Samples, inverse: Inverse) -> Views:
    """One pair for each fact. Source: the fact; target: the reversed fact, a new block."""
    return Views(((Part(facts.valid), NewBlock(reverse(facts, inverse))),))


def question_of(facts: Samples) -> Samples:
    """The facts without their tails: ``[head, relation, mask]``."""
    return facts.where(facts.tags != Role.TAIL)


def known_inverses(vocabulary: Vocabulary) -> dict[int, int]:
    """Relation id -> id of its inverse, as far as the vocabulary tells.

    It tells by ``inverse_ids``, or without them by the names ``<x>`` and ``<x_inv>``.
    """
    if vocabulary.inverse_ids:
        return dict(zip(vocabulary.relation_ids, vocabulary.inverse_ids, strict=True))
    partners = {i: partner_name(vocabulary.name(i)) for i in vocabulary.relation_ids}
    ids = vocabulary.token_to_id
    return {i: ids[partner] for i, partner in partners.items() if partner in ids}
