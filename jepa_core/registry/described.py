"""Docstrings taken apart: what they say of each option, and the rest."""

from __future__ import annotations

import re
from collections.abc import Collection


def described(text: str, names: Collection[str]) -> tuple[list[str], dict[str, str]]:
    """Takes the notes on these options out of a docstring; returns the other paragraphs, and name -> note.

    A note, ``name: words``, begins a paragraph or follows a sentence or another note; it ends where the next one, or
    what is raised, begins.

    >>> described("How far. eps: kept above it; low, high: the ends. Raises ValueError.", ["eps", "low", "high"])
    (['How far. Raises ValueError.'], {'eps': 'kept above it', 'low': 'the ends', 'high': 'the ends'})
    """
    paragraphs = [part if part.startswith(">>>") else " ".join(part.split()) for part in text.split("\n\n")]
    rest: list[str] = []
    notes: dict[str, str] = {}
    for paragraph in paragraphs:
        left = paragraph if paragraph.startswith(">>>") else _without_notes(paragraph, names, notes)
        rest += [left] if left else []
    return rest, notes


def _without_notes(paragraph: str, names: Collection[str], notes: dict[str, str]) -> str:
    """Puts the notes of a paragraph into `notes`; returns what stands before them, and what is raised."""
    one = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    if not one:
        return paragraph
    before, *found = re.split(rf"(?:^|(?<=[.;] ))((?:{one})(?:, (?:{one}))*): ", paragraph)
    left = [before.strip()]
    for told, words in zip(found[::2], found[1::2], strict=True):
        note, raises, after = words.partition(" Raises ")
        left += [raises.strip() + " " + after.strip()] if raises else []
        notes |= dict.fromkeys(told.split(", "), note.strip().rstrip(";."))
    return " ".join(filter(None, left))
