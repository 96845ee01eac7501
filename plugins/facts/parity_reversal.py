"""``parity``: the reversed fact as second view, with relations paired by the parity of the first one."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from jepa_core import BuildContext, ComponentError, hookimpl
from jepa_core.samples.samples import Samples
from jepa_core.views.pairs import Views
from jepa_plugins.facts.reverse import fact_and_reverse, known_inverses
from jepa_plugins.facts.vocabulary import Vocabulary


class ParityReversal:
    """Source: the fact; target: the reversed fact, a new block.

    Relations come in pairs of neighbouring ids from the first relation token id on: an id of the same parity
    as the first has its inverse at + 1, one of the other parity at - 1. So with a first id of 16001,
    16001 and 16002 are inverse; with 16000, 16000 and 16001.

    >>> ParityReversal(16001, num_relations=4).inverse(torch.tensor([16001, 16002, 16003, 16004])).tolist()
    [16002, 16001, 16004, 16003]
    >>> ParityReversal(16000, num_relations=2).inverse(torch.tensor([16000, 16001])).tolist()
    [16001, 16000]
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

    def __call__(self, facts: Samples) -> Views:
        return fact_and_reverse(facts, self.inverse)


def check_vocabulary(reversal: ParityReversal, vocabulary: Vocabulary) -> None:
    """Raises ComponentError where the vocabulary pairs relations in another way than parity does."""
    for relation, stated in known_inverses(vocabulary).items():
        expected = int(reversal.inverse(torch.tensor(relation)))
        if stated != expected:
            name, by_parity, says = map(vocabulary.name, (relation, expected, stated))
            raise ComponentError(
                f"by parity the inverse of '{name}' ({relation}) is '{by_parity}' ({expected}), but the "
                f"vocabulary says '{says}' ({stated}): use 'reversal: lookup'"
            )


def parity(context: BuildContext, first_relation_token_id: int | None = None) -> ParityReversal:
    """The reversed fact; relations are inverse by the parity of the first relation token id.

    first_relation_token_id: null takes the vocabulary's first relation.
    """
    vocabulary = Vocabulary.of(context.vocabulary)
    relations = vocabulary.relation_ids
    first = next(iter(relations), 0) if first_relation_token_id is None else first_relation_token_id
    if relations != tuple(range(first, first + len(relations))):
        raise ComponentError(
            f"parity reversal needs relations at neighbouring ids from {first} on, the vocabulary has "
            f"{', '.join(map(str, relations[:8]))}{'…' if len(relations) > 8 else ''}: use 'reversal: lookup'"
        )
    reversal = ParityReversal(first, len(relations))
    check_vocabulary(reversal, vocabulary)
    return reversal


@hookimpl
def jepa_reversal_strategies() -> Mapping[str, object]:
    return {"parity": parity}
