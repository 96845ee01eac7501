"""Docstrings taken apart."""

from __future__ import annotations

import inspect

import pytest

from jepa_core.registry import Registry
from jepa_core.registry.described import described
from jepa_core.registry.options import option_schema

NAMES = ["rate", "level", "low", "high"]


@pytest.mark.parametrize(
    ("text", "rest", "notes"),
    [
        ("A filter.", ["A filter."], {}),
        ("A filter. rate: how\n    many.", ["A filter."], {"rate": "how many"}),
        ("rate: how many; of what. level: where; low, high: ends.", [],
         {"rate": "how many; of what", "level": "where", "low": "ends", "high": "ends"}),
        ("A.\n\nrate: one. Two of it.\n\nB.", ["A.", "B."], {"rate": "one. Two of it"}),
        ("A. rate: x. Raises E: y.\n\n>>> rate: 1\n2", ["A. Raises E: y.", ">>> rate: 1\n2"], {"rate": "x"}),
        ("The rate: no note. A {level: 1} neither, nor other: words.",
         ["The rate: no note. A {level: 1} neither, nor other: words."], {}),
    ],
)  # fmt: skip
def test_notes_and_the_rest(text, rest, notes):
    assert described(text, NAMES) == (rest, notes)


def test_without_options_nothing_is_taken_out():
    assert described("rate: words.", []) == (["rate: words."], {})


def test_no_word_of_a_built_in_component_is_lost():
    """Whatever it says stands in the rest or in a note; and most options have one."""
    told = known = 0
    for component in Registry.discover().describe():
        text = inspect.getdoc(component.factory) or ""
        names = option_schema(component.factory)["properties"]
        rest, notes = described(text, names)
        for word in text.replace(";", " ").replace(".", " ").split():
            where = " ".join([*rest, *notes.values(), *(f"{name}: {name}," for name in names)])
            assert word in where, (component.name, word)
        known += len(names)
        told += len(notes)
    assert told > 0.7 * known
