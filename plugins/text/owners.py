"""Which token is whose: tokens to the contents that they stand for, by characters.

``n`` tokens of one text.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jepa_plugins.text.encoding import Encoder, Tokens
from jepa_plugins.text.rendering import Rendering


@dataclass(frozen=True)
class Owners:
    """slot: ``n``, the number of the content that a token belongs to, -1 for the template's own tokens;
    straddling: tokens that stand for characters of a content and for others; written: places of special tokens that
    stand in a content, so that somebody wrote them."""

    slot: np.ndarray
    straddling: int
    written: np.ndarray

    def content(self, slot: int, tokens: Tokens, rendering: Rendering) -> tuple[int, int]:
        """The places ``[first, end)`` of a content's tokens; of an empty one, where they would be."""
        places = np.flatnonzero(self.slot == slot)
        if len(places):
            return int(places[0]), int(places[-1]) + 1
        place = int(np.searchsorted(tokens.starts, rendering.slots[slot].start))
        return place, place

    def after(self, slot: int) -> int:
        """The place of the first token of a later content, ``n`` if there is none."""
        later = np.flatnonzero(self.slot > slot)
        return int(later[0]) if len(later) else len(self.slot)


def owners_of(rendering: Rendering, tokens: Tokens, encoder: Encoder) -> Owners:
    """A token belongs to the last content of which it stands for a character.

    A special token of the template that took white space of a content in remains the template's.
    """
    filled = [(i, s.start, s.end) for i, s in enumerate(rendering.slots) if s.end > s.start]
    if not filled:
        return Owners(np.full(len(tokens), -1), 0, np.empty(0, dtype=np.int64))
    numbers, starts, ends = np.array(filled, dtype=np.int64).T
    found = np.searchsorted(starts, np.maximum(tokens.ends, tokens.starts + 1), "left") - 1
    inside = (found >= 0) & (ends[found] > tokens.starts)
    special = np.flatnonzero(inside & encoder.is_special[tokens.ids])
    for place in special:
        inside[place] = _holds_text(rendering.text, tokens, place, starts[found[place]], ends[found[place]])
    written = [p for p in special if inside[p] and not _unknown(rendering.text, tokens, p, encoder)]
    more = (tokens.starts < starts[found]) | (tokens.ends > ends[found])
    straddling = inside & more & (tokens.ends > tokens.starts)
    return Owners(np.where(inside, numbers[found], -1), int(straddling.sum()), np.array(written, dtype=np.int64))


def _holds_text(text: str, tokens: Tokens, place: int, start: int, end: int) -> bool:
    """Does a token stand for more of ``[start, end)`` than white space at its own edge."""
    first, stop = int(tokens.starts[place]), int(tokens.ends[place])
    whole = text[first:stop]
    first += len(whole) - len(whole.lstrip())
    stop -= len(whole) - len(whole.rstrip())
    return first < end and stop > start


def _unknown(text: str, tokens: Tokens, place: int, encoder: Encoder) -> bool:
    """Does a token only say that the tokenizer does not know a character."""
    characters = text[tokens.starts[place] : tokens.ends[place]].strip()
    return tokens.ids[place] == encoder.unknown and encoder.special.get(characters) != encoder.unknown
