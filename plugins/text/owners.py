"""Assigning tokens to the contents they belong to, by characters.

``n`` tokens of one text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

import numpy as np

from jepa_plugins.text.encoding import EncodedText, Encoder
from jepa_plugins.text.rendering import Rendering, Slot


@dataclass(frozen=True)
class Owners:
    """slot: ``n``, the number of each token's content, -1 for the template's own tokens; places: the places ``[first,
    end)`` of each content's tokens, empty where it would stand if it has none; straddling: the number of tokens with
    characters of a content and others; written: places of special tokens in a content, which somebody wrote."""

    slot: np.ndarray
    places: list[tuple[int, int]]
    straddling: int
    written: list[int]

    def after(self, slot: int) -> int:
        """The place of the first token of a later content, ``n`` if there is none."""
        return next((first for first, end in self.places[slot + 1 :] if end > first), len(self.slot))


def owners_of(renderings: Sequence[Rendering], tokens: Sequence[EncodedText], encoder: Encoder) -> list[Owners]:
    """A token belongs to the last content of which it stands for a character.

    A special token of the template that took in white space of a content remains the template's. All texts are handled
    together, one behind another with a character between, many times as fast as one by one.
    """
    shifts = [0, *accumulate(len(rendering.text) + 1 for rendering in renderings)]
    counts = [len(each) for each in tokens]
    shift = np.repeat(shifts[:-1], counts)
    starts, ends = (np.concatenate([getattr(t, edge) for t in tokens]) + shift for edge in ("starts", "ends"))
    filled = [
        (number, slot.start + by, slot.end + by)
        for rendering, by in zip(renderings, shifts, strict=False)
        for number, slot in enumerate(rendering.slots)
        if slot.end > slot.start
    ]
    numbers, opens, closes = np.array([*filled, (-1, shifts[-1], shifts[-1])], dtype=np.int64).T
    found = np.searchsorted(opens, np.maximum(ends, starts + 1), "left") - 1
    inside = (found >= 0) & (closes[found] > starts)
    straddling = inside & ((starts < opens[found]) | (ends > closes[found])) & (ends > starts)
    slots = np.where(inside, numbers[found], -1)
    stops = [*accumulate(counts)]
    return [
        _owners(rendering, each, slots[a:b], straddling[a:b], encoder)
        for rendering, each, (a, b) in zip(renderings, tokens, pairwise([0, *stops]), strict=True)
    ]


def _owners(
    rendering: Rendering, tokens: EncodedText, slots: np.ndarray, straddling: np.ndarray, encoder: Encoder
) -> Owners:
    written = []
    for place in map(int, np.flatnonzero(encoder.is_special[tokens.ids] & (slots >= 0))):
        if not _holds_text(rendering.text, tokens, place, rendering.slots[slots[place]]):
            slots[place], straddling[place] = -1, False
        elif not _unknown(rendering.text, tokens, place, encoder):
            written.append(place)
    return Owners(slots, _places(rendering, tokens, slots), int(straddling.sum()), written)


def _places(rendering: Rendering, tokens: EncodedText, slots: np.ndarray) -> list[tuple[int, int]]:
    owned = np.flatnonzero(slots >= 0)
    first, end = (np.searchsorted(slots[owned], range(len(rendering.slots)), side) for side in ("left", "right"))
    return [
        (int(owned[a]), int(owned[b - 1]) + 1) if b > a else (int(np.searchsorted(tokens.starts, slot.start)),) * 2
        for slot, a, b in zip(rendering.slots, first, end, strict=True)
    ]


def _holds_text(text: str, tokens: EncodedText, place: int, slot: Slot) -> bool:
    """Tells whether a token stands for more of a content than white space at its own edge."""
    first, stop = int(tokens.starts[place]), int(tokens.ends[place])
    whole = text[first:stop]
    first += len(whole) - len(whole.lstrip())
    stop -= len(whole) - len(whole.rstrip())
    return first < slot.end and stop > slot.start


def _unknown(text: str, tokens: EncodedText, place: int, encoder: Encoder) -> bool:
    """Tells whether a token only stands for a character unknown to the tokenizer."""
    characters = text[tokens.starts[place] : tokens.ends[place]].strip()
    return tokens.ids[place] == encoder.unknown and encoder.special.get(characters) != encoder.unknown
