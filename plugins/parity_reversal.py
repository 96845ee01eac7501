"""``parity``: the reversed fact as second view, with relations paired by the parity of the first one."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from jepa_core import hookimpl
from jepa_core.components import BuildContext
from jepa_core.data.vocabulary import Vocabulary
from jepa_core.errors import ComponentError
from jepa_core.views.facts import Facts, Role
from jepa_core.views.reverse import reverse_facts
from jepa_core.views.views import NewBlock, Part, Views


class ParityReversal:
    """Source: the fact; target: the reversed fact, a new block.

    Relations come in pairs of neighbouring ids from the first relation token id on: an id of the same parity
    as the first has its inverse at + 1, one of the other parity at - 1. So with a first id of 16001,
    16001 and 16002 are inverse; with 16000, 16000 and 16001.
    """

    leaks_on = ("atomic",)

    def __init__(self, first_relation_token_id: int, num_relations: int):
        if num_relations < 2 or num_relations % 2:
            raise ComponentError(f"parity reversal pairs relations two by two; {num_relations} don't pair up")
        self.first = first_relation_token_id
        self.last = first_relation_token_id + num_relations - 1

    def inverse(self, ids: Tensor) -> Tensor:
        """The inverse relation of each id, of any shape. Raises ComponentError for an id out of range."""
        outside = (ids < self.first) | (ids > self.last)
        if outside.any():
            raise ComponentError(
                f"token id {int(ids[outside][0])} is no relation: relations are {self.first} to {self.last}"
            )
        same_parity = ids % 2 == self.first % 2
        return (ids + 1).where(same_parity, ids - 1)

    def __call__(self, facts: Facts) -> Views:
        is_relation = facts.roles == Role.RELATION
        inverse = self.inverse(facts.ids.where(is_relation, self.first))
        return Views(((Part(facts.valid), NewBlock(reverse_facts(facts, inverse))),))


def check_names(reversal: ParityReversal, vocabulary: Vocabulary) -> None:
    """Raises ComponentError where ``<x>`` and ``<x_inv>`` are not the pair that parity makes of them."""
    tokens = vocabulary.token_to_id
    for name, token_id in tokens.items():
        inverse_name = name[:-1] + "_inv>"
        if inverse_name not in tokens or token_id not in vocabulary.relation_ids:
            continue
        expected = token_id + 1 if token_id % 2 == reversal.first % 2 else token_id - 1
        if tokens[inverse_name] != expected:
            raise ComponentError(
                f"by parity the inverse of '{name}' ({token_id}) is {expected}, but '{inverse_name}' is "
                f"{tokens[inverse_name]}: use 'reversal: lookup'"
            )


def parity(context: BuildContext, first_relation_token_id: int | None = None) -> ParityReversal:
    """The reversed fact; relations are inverse by the parity of the first relation token id.

    first_relation_token_id: null takes the vocabulary's first relation.
    """
    relations = context.vocabulary.relation_ids
    first = relations[0] if first_relation_token_id is None else first_relation_token_id
    if relations != tuple(range(first, first + len(relations))):
        raise ComponentError(
            f"parity reversal needs relations at neighbouring ids from {first} on, the vocabulary has "
            f"{', '.join(map(str, relations[:8]))}{'…' if len(relations) > 8 else ''}: use 'reversal: lookup'"
        )
    reversal = ParityReversal(first, len(relations))
    check_names(reversal, context.vocabulary)
    return reversal


@hookimpl
def jepa_reversal_strategies() -> Mapping[str, object]:
    return {"parity": parity}
