"""A YAML file of relations and their inverses.

inverse_pairs:
  - [hypernym, hyponym]
symmetric: [also see]
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

from jepa_core import DataError, did_you_mean, show
from jepa_core.errors import RecipeError, one_line
from jepa_core.recipe.strict_yaml import load_yaml
from jepa_plugins.facts.fact_lines import LONGEST_NAME

#: The most names, lists and keys in the file.
MAX_ENTRIES = 200_000
_KEYS = ("inverse_pairs", "symmetric")


@dataclass(frozen=True)
class Relations:
    """Names of relations: `pairs` of inverses, and `symmetric` ones, which are their own inverse."""

    pairs: tuple[tuple[str, str], ...] = ()
    symmetric: tuple[str, ...] = ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every name, an inverse beside its relation, symmetric ones last."""
        return (*chain.from_iterable(self.pairs), *self.symmetric)

    @cached_property
    def inverse(self) -> dict[str, str]:
        both = {**dict(self.pairs), **{b: a for a, b in self.pairs}}
        return both | {name: name for name in self.symmetric}

    @cached_property
    def inverse_numbers(self) -> tuple[int, ...]:
        """The place of each name's inverse among the names."""
        place = {name: number for number, name in enumerate(self.names)}
        return tuple(place[self.inverse[name]] for name in self.names)


def read_relations(path: Path) -> Relations:
    """Reads the file. Raises DataError for another shape, or a relation named twice."""
    try:
        data = load_yaml(path, most=MAX_ENTRIES).data
    except RecipeError as error:
        raise DataError(one_line(error)) from error
    if not isinstance(data, dict):
        raise DataError(f"{path}: expected the keys {' and '.join(_KEYS)}, not {show(data)}")
    for key in data:
        if key not in _KEYS:
            raise DataError(f"{path}: unknown key {show(key)}{did_you_mean(str(key), _KEYS)}")
    relations = Relations(
        tuple(_pair(path, i, pair) for i, pair in enumerate(_list(path, data, "inverse_pairs"))),
        tuple(_name(path, f"symmetric[{i}]", name) for i, name in enumerate(_list(path, data, "symmetric"))),
    )
    _check_names(path, relations.names)
    return relations


def _list(path: Path, data: dict, key: str) -> list:
    value = data.get(key, [])
    if not isinstance(value, list):
        raise DataError(f"{path}: {key}: expected a list, not {show(value)}")
    return value


def _pair(path: Path, number: int, pair: object) -> tuple[str, str]:
    where = f"inverse_pairs[{number}]"
    if not isinstance(pair, list) or len(pair) != 2:
        raise DataError(f"{path}: {where}: expected [relation, inverse], not {show(pair)}")
    return _name(path, where, pair[0]), _name(path, where, pair[1])


def _name(path: Path, where: str, name: object) -> str:
    if not isinstance(name, str) or not name.strip():
        raise DataError(f"{path}: {where}: expected the name of a relation, not {show(name)} (quote it?)")
    return name.strip()


def _check_names(path: Path, names: tuple[str, ...]) -> None:
    if not names:
        raise DataError(f"{path}: expected at least one relation")
    for name, times in Counter(names).items():
        if times > 1:
            raise DataError(f"{path}: relation '{name}': expected once, as it has one inverse (its own: symmetric)")
        if len(name) > LONGEST_NAME:
            raise DataError(f"{path}: relation {show(name)}: expected at most {LONGEST_NAME:,} letters")
