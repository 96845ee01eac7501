"""Dividing facts into two groups that share no entity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random

from jepa_core import DataError


def connected_components(links: Sequence[Sequence[int]], entities: int) -> list[int]:
    """The smallest entity connected with each link (two of the entities 0 to `entities` - 1)."""
    parent = list(range(entities))

    def root(entity: int) -> int:
        while parent[entity] != entity:
            parent[entity] = parent[parent[entity]]
            entity = parent[entity]
        return entity

    for a, b in links:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    return [root(a) for a, _ in links]


def split_by_entity(links: Sequence[Sequence[int]], entities: int, share: float, rng: Random) -> list[bool]:
    """Puts about `share` of the links into a group; True for each in it. Links that share an entity stay together.

    Connected components come in random order, and each that brings the group closer to its share is taken. Raises
    DataError when they are too large for a split within half of the share.
    """
    owner = connected_components(links, entities)
    sizes = Counter(owner)
    wanted, taken = share * len(links), 0
    chosen = set()
    for component in rng.sample(sorted(sizes), len(sizes)):
        if abs(taken + sizes[component] - wanted) < abs(taken - wanted):
            taken += sizes[component]
            chosen.add(component)
    if not 0 < taken < len(links) or abs(taken - wanted) > max(wanted / 2, 1):
        raise DataError(
            f"no two groups without a common entity have about {share:.0%} and {1 - share:.0%} of the facts: "
            f"the {len(links)} facts make {len(sizes)} connected components, the largest of "
            f"{max(sizes.values(), default=0)}"
        )
    return [component in chosen for component in owner]
