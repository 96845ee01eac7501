"""``lookup``: the reversed fact as second view, with relations paired by an explicit table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from jepa_core import BuildContext, ComponentError, DataPath, hookimpl
from jepa_core.recipe.strict_yaml import load_yaml
from jepa_core.samples.samples import Samples
from jepa_core.views.pairs import Views
from jepa_plugins.facts.inverses import stated_inverses
from jepa_plugins.facts.relations import Relations, read_relations
from jepa_plugins.facts.reverse import fact_and_reverse, known_inverses
from jepa_plugins.facts.vocabulary import Vocabulary


class LookupReversal:
    """Source: the fact; target: the reversed fact, a new block.

    inverse: relation id -> id of its inverse, itself for a symmetric relation; name: names an id in errors.
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
                    f"the inverse of '{first}' is '{second}', so that of '{second}' must be '{first}', but {found}"
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

    def __call__(self, facts: Samples) -> Views:
        return fact_and_reverse(facts, self.inverse)


def read_table(path: Path, vocabulary: Vocabulary) -> dict[int, int]:
    """Reads relation id -> id of its inverse from a YAML file; names with or without ``<`` and ``>``.

    Raises ComponentError, or another JepaError, that names the file.
    """
    data = load_yaml(path).data
    relations = read_relations(path) if is_sections(data) else Relations(named_pairs(data, path))
    inverse = stated_inverses(vocabulary.token_to_id, relations, str(path))
    for token_id in inverse:
        if token_id not in vocabulary.relation_ids:
            raise ComponentError(f"{path}: '{vocabulary.name(token_id)}' ({token_id}) is no relation")
    return inverse


def is_sections(data: object) -> bool:
    """Tells ``inverse_pairs: [[a, b], …]`` with ``symmetric: [a, …]`` from a mapping of names."""
    return isinstance(data, Mapping) and data.keys() & {"inverse_pairs", "symmetric"} != set()


def named_pairs(data: object, path: Path) -> tuple[tuple[str, str], ...]:
    """The pairs of a mapping name -> name of the inverse. Raises ComponentError for anything else."""
    if not isinstance(data, Mapping) or not all(isinstance(n, str) for pair in data.items() for n in pair):
        raise ComponentError(
            f"{path}: expected a mapping relation -> inverse relation, names on both sides, or the keys "
            "inverse_pairs ([[a, b], …]) and symmetric ([a, …])"
        )
    return tuple(data.items())


def lookup(context: BuildContext, table: DataPath | None = None) -> LookupReversal:
    """The reversed fact; relations are inverse by a table.

    table: a YAML file, a mapping name -> inverse name (or ``inverse_pairs: [[a, b], …]`` and ``symmetric:
    [a, …]``); null takes the vocabulary's inverses, or else goes by the names ``<x>`` and ``<x_inv>``.
    """
    vocabulary = Vocabulary.of(context.vocabulary)
    path = None if table is None else context.find(table)
    inverse = known_inverses(vocabulary) if path is None else read_table(path, vocabulary)
    for relation in vocabulary.relation_ids:
        if relation not in inverse:
            raise ComponentError(
                f"relation '{vocabulary.name(relation)}' ({relation}) has no inverse in "
                f"{path or 'the vocabulary (no such names as <x> and <x_inv>)'}: name one in the file of "
                "reversal: {name: lookup, table: FILE}"
            )
    try:
        return LookupReversal(inverse, vocabulary.name)
    except ComponentError as error:
        raise ComponentError(f"{path or 'the vocabulary'}: {error}") from error


@hookimpl
def jepa_reversal_strategies() -> Mapping[str, object]:
    return {"lookup": lookup}
