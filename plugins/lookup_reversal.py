"""``lookup``: the reversed fact as second view, with relations paired by an explicit table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import yaml
from torch import Tensor

from jepa_core import hookimpl
from jepa_core.components import BuildContext
from jepa_core.data.vocabulary import Vocabulary
from jepa_core.errors import ComponentError, did_you_mean
from jepa_core.views.facts import Facts
from jepa_core.views.reverse import fact_and_reverse, known_inverses
from jepa_core.views.views import Views


class LookupReversal:
    """Source: the fact; target: the reversed fact, a new block.

    inverse: relation id -> id of its inverse, itself for a symmetric relation; name: how errors call an id.
    """

    leaks_on = ("atomic",)

    def __init__(self, inverse: Mapping[int, int], name: Callable[[int], str] = str):
        if not inverse:
            raise ComponentError("lookup reversal needs a table of one relation at least")
        for relation, other in inverse.items():
            back = inverse.get(other)
            if back != relation:
                first, second = name(relation), name(other)
                found = "it has none" if back is None else f"it is '{name(back)}'"
                raise ComponentError(
                    f"the inverse of '{first}' is '{second}', so that of '{second}' must be '{first}', "
                    f"but {found}"
                )
        self.relations = torch.tensor(sorted(inverse))
        self.inverses = torch.tensor([inverse[relation] for relation in sorted(inverse)])

    def inverse(self, ids: Tensor) -> Tensor:
        """The inverse relation of each id, of any shape. Raises ComponentError for an id not in the table."""
        relations = self.relations.to(ids.device)
        place = torch.searchsorted(relations, ids.contiguous()).clamp(max=len(relations) - 1)
        outside = relations[place] != ids
        if outside.any():
            known = ", ".join(map(str, self.relations[:8].tolist())) + (", …" if len(relations) > 8 else "")
            raise ComponentError(
                f"token id {int(ids[outside][0])} is no relation of the lookup table, which has {known}"
            )
        return self.inverses.to(ids.device)[place]

    def __call__(self, facts: Facts) -> Views:
        return fact_and_reverse(facts, self.inverse)


def named_pairs(data: Any, path: Path) -> Iterator[tuple[str, str]]:
    """The pairs of relation names in a table.

    data: a mapping name -> name of the inverse, or one with the keys ``inverse_pairs`` (``[[a, b], …]``) and
    ``symmetric`` (``[a, …]``). Raises ComponentError where it is neither.
    """
    expected = f"{path}: expected a mapping name -> inverse name, or the keys inverse_pairs and symmetric"
    if not isinstance(data, Mapping):
        raise ComponentError(f"{expected}, not {type(data).__name__}")
    entries: list[Any] = list(data.items())
    if data.keys() <= {"inverse_pairs", "symmetric"}:
        pairs, symmetric = (data.get(key) or [] for key in ("inverse_pairs", "symmetric"))
        if not isinstance(pairs, list) or not isinstance(symmetric, list):
            raise ComponentError(f"{path}: inverse_pairs and symmetric must be lists")
        entries = [*pairs, *((name, name) for name in symmetric)]
    for entry in entries:
        if not isinstance(entry, (list, tuple)) or [*map(type, entry)] != [str, str]:
            raise ComponentError(f"{path}: {entry!r}: expected the names of a relation and of its inverse")
        yield entry[0], entry[1]


def read_table(path: Path, vocabulary: Vocabulary) -> dict[int, int]:
    """Relation id -> id of its inverse, from a YAML file; names with or without ``<`` and ``>``.

    Raises ComponentError for names that are no relation, and for a relation with two inverses.
    """
    ids = {vocabulary.name(relation): relation for relation in vocabulary.relation_ids}
    inverse: dict[int, int] = {}

    def find(name: str) -> int:
        for spelling in (name, f"<{name}>"):
            if spelling in ids:
                return ids[spelling]
        raise ComponentError(f"{path}: unknown relation '{name}'{did_you_mean(name, ids)}")

    for names in named_pairs(yaml.safe_load(path.read_text()), path):
        first, second = map(find, names)
        for relation, other in ((first, second), (second, first)):
            if inverse.setdefault(relation, other) != other:
                name, two = (
                    vocabulary.name(relation),
                    (vocabulary.name(inverse[relation]), vocabulary.name(other)),
                )
                raise ComponentError(f"{path}: '{name}' has two inverses, '{two[0]}' and '{two[1]}'")
    return inverse


def lookup(context: BuildContext, table: str | None = None) -> LookupReversal:
    """The reversed fact; relations are inverse by a table.

    table: a YAML file, a mapping name -> inverse name (or ``inverse_pairs: [[a, b], …]`` and ``symmetric:
    [a, …]``); null takes what the vocabulary says, by the names ``<x>`` and ``<x_inv>`` if by nothing else.
    """
    vocabulary = context.vocabulary
    path = None if table is None else context.find(table)
    inverse = known_inverses(vocabulary) if path is None else read_table(path, vocabulary)
    for relation in vocabulary.relation_ids:
        if relation not in inverse:
            raise ComponentError(
                f"relation '{vocabulary.name(relation)}' ({relation}) has no inverse in "
                f"{path or 'the vocabulary (no such names as <x> and <x_inv>)'}: name one in the file of "
                "reversal: {name: lookup, table: FILE}"
            )
    return LookupReversal(inverse, vocabulary.name)


@hookimpl
def jepa_reversal_strategies() -> Mapping[str, object]:
    return {"lookup": lookup}
