"""The inverses of relations, by name, by parity or by a file."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from jepa_core import DataError, did_you_mean
from jepa_plugins.facts.relations import Relations

SUFFIX = "_inv>"


def partner_name(name: str) -> str:
    """Turns ``<x>`` into ``<x_inv>`` and back."""
    return name.removesuffix(SUFFIX) + ">" if name.endswith(SUFFIX) else name.removesuffix(">") + SUFFIX


def named_relations(token_to_id: Mapping[str, int]) -> set[int]:
    """The ids of tokens that are relations by name: ``<x>`` and ``<x_inv>`` where both are there."""
    names = (name for name in token_to_id if name.endswith(SUFFIX) and partner_name(name) in token_to_id)
    return {token_to_id[n] for name in names for n in (name, partner_name(name))}


def find_inverses(token_to_id: Mapping[str, int], relations: Collection[int], where: str) -> dict[int, int]:
    """Relation id -> id of its inverse.

    By the names ``<x>`` and ``<x_inv>`` where there are any, else by parity: neighbouring ids, two by two,
    from the first relation on. Raises DataError for a relation without an inverse.
    """
    by_id = {i: name for name, i in token_to_id.items()}
    partners = {i: token_to_id.get(partner_name(by_id[i])) for i in sorted(relations)}
    if not any(partners[i] is not None for i in partners):
        return _by_parity(sorted(relations), by_id, where)
    for i, partner in partners.items():
        if partner is None:
            expected = partner_name(by_id[i])
            raise DataError(f"{where}: relation '{by_id[i]}' ({i}) has no inverse: expected a token '{expected}'")
    return {i: partner for i, partner in partners.items() if partner is not None}


def stated_inverses(token_to_id: Mapping[str, int], relations: Relations, where: str) -> dict[int, int]:
    """Relation id -> id of its inverse, from a file of relations; names with or without ``<`` and ``>``.

    where: the file. Raises DataError for a name that is no token.
    """

    def find(name: str) -> int:
        for token in (name, f"<{name}>"):
            if token in token_to_id:
                return token_to_id[token]
        raise DataError(f"{where}: relation '{name}' is no token of the vocabulary{did_you_mean(name, token_to_id)}")

    return {find(name): find(inverse) for name, inverse in relations.inverse.items()}


def _by_parity(relations: list[int], by_id: Mapping[int, str], where: str) -> dict[int, int]:
    first = min(relations, default=0)
    if len(relations) % 2 or relations != list(range(first, first + len(relations))):
        shown = ", ".join(f"'{by_id[i]}' ({i})" for i in relations[:4])
        raise DataError(
            f"{where}: relations without an inverse: {shown}{', …' if len(relations) > 4 else ''}: expected "
            "tokens '<x>' and '<x_inv>', or neighbouring ids two by two"
        )
    return {i: i + 1 if (i - first) % 2 == 0 else i - 1 for i in relations}
