"""The types of what components declare about themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields
from math import isfinite
from typing import Any

from jepa_core.components import KINDS


def _is_names(value: object) -> bool:
    return isinstance(value, tuple | list) and all(isinstance(name, str) for name in value)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool) and isfinite(value)


#: Trait -> what its value must be, as a test and in words. Those with True or False as their default must be either.
EXPECTED: dict[str, tuple[Callable[[Any], bool], str]] = {
    "needs": (_is_names, "a tuple of names"),
    "leaks_on": (_is_names, "a tuple of names"),
    "splits": (lambda value: value is None or _is_names(value), "a tuple of names, or None"),
    "layer": (_is_whole, "a number; 0 the embeddings, -1 the last"),
    "reads": (lambda value: value is None or callable(value), "a function of valid and tags, or None"),
    "weight": (lambda value: _is_number(value) and value > 0, "a number above 0"),
    "of_side": (lambda value: value in ("predicted", "target", "both"), "'predicted', 'target' or 'both'"),
    "draws_per": (lambda value: value in ("sample", "step"), "'sample' or 'step'"),
    "rate": (
        lambda value: value is None or (_is_number(value) and 0 <= value <= 1),
        "a share from 0 to 1, or None",
    ),
}


def false_declarations(kind: str, component: object) -> Iterator[str]:
    """Yields what is wrong with what a component of this kind declares, as ``name = value: must be …``."""
    traits = KINDS[kind].traits.of(component)
    for trait in fields(traits):  # type: ignore[arg-type]
        value = getattr(traits, trait.name)
        if isinstance(trait.default, bool):
            fits, words = isinstance(value, bool), "True or False"
        else:
            test, words = EXPECTED[trait.name]
            fits = test(value)
        if not fits:
            yield f"{trait.name} = {value!r}: must be {words}"
