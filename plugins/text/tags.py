"""Tagging the tokens of a conversation, and choosing the labels among them.

``n`` tokens of one conversation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from jepa_plugins.text.conversation import ASSISTANT, SYSTEM, USER
from jepa_plugins.text.encoding import EncodedText, Encoder
from jepa_plugins.text.owners import Owners
from jepa_plugins.text.rendering import Rendering, Span

TrainOn = Literal["all", "last", "every_token"]


class Tag:
    """The tags, as plain numbers: under torch.compile, ``tensor == member`` of an Enum is silently False everywhere."""

    SYSTEM = 1
    USER = 2
    ASSISTANT = 3
    TEMPLATE = 4
    END = 5


#: The names of the tags, from 1 on.
TAGS = ("system", "user", "assistant", "template", "end")
_OF_ROLE = {SYSTEM: Tag.SYSTEM, USER: Tag.USER, ASSISTANT: Tag.ASSISTANT}


@dataclass(frozen=True)
class TokenRow:
    """The tokens of a conversation, or of a turn alone.

    ids, tags, labelled: ``n``; branch: the number of tokens up to the end of the turn before the answer, or, of a turn
    alone, up to the end of its content; unended: answers that the template does not end.
    """

    ids: np.ndarray
    tags: np.ndarray
    labelled: np.ndarray
    branch: int
    unended: int = 0

    def __len__(self) -> int:
        return len(self.ids)

    def without(self, places: np.ndarray) -> TokenRow:
        """Takes out the tokens at these places, all of them before the branch."""
        kept = np.delete(np.arange(len(self)), places)
        arrays = {name: getattr(self, name)[kept] for name in ("ids", "tags", "labelled")}
        return replace(self, branch=self.branch - len(places), **arrays)


def row_of(
    rendering: Rendering, tokens: EncodedText, owners: Owners, encoder: Encoder, eos: int | None, train_on: TrainOn
) -> TokenRow:
    """Makes a conversation's row; `unended` counts the answers that the template does not end."""
    tags = _content_tags(rendering, owners)
    answers = [number for number, slot in enumerate(rendering.slots) if slot.role == ASSISTANT]
    last = tokens.ids[owners.places[answers[-1]][1] :]
    ending = _ending(last, encoder, eos)
    first, unended = 0, 0
    for answer in answers:
        first, end = owners.places[answer]
        follow = tokens.ids[end : owners.after(answer)]
        ends = ending[ending < _common(follow, last)]
        if (said := _generated(rendering, answer)) is not None:
            opened, closed = np.searchsorted(tokens.ends, said[0], "right"), np.searchsorted(tokens.starts, said[1])
            tags[opened:first] = Tag.ASSISTANT
            first, ends = min(first, int(opened)), np.arange(closed - end) if closed > end else ends
        tags[end + ends] = Tag.END
        unended += not len(ends)
    labelled = _labelled(tags, first, train_on)
    return TokenRow(tokens.ids, tags, labelled, _branch(rendering, tokens, owners, answers[-1], first), unended)


def turn_of(rendering: Rendering, tokens: EncodedText, owners: Owners) -> TokenRow:
    """Makes the row of a turn alone, without labels."""
    labelled = np.zeros(len(tokens), dtype=bool)
    return TokenRow(tokens.ids, _content_tags(rendering, owners), labelled, owners.places[-1][1])


def _content_tags(rendering: Rendering, owners: Owners) -> np.ndarray:
    of_slot = np.array([*(_OF_ROLE[slot.role] for slot in rendering.slots), Tag.TEMPLATE])  # the last one for -1
    return of_slot[owners.slot]


def _ending(follow: np.ndarray, encoder: Encoder, eos: int | None) -> np.ndarray:
    """The places, in the tokens after the last answer, that end it: up to the first special token, and end of text.

    A template may end a turn with ordinary text; then all of it counts.
    """
    special = np.flatnonzero(encoder.is_special[follow])
    first = int(special[0]) + 1 if len(special) else len(follow)
    return np.concatenate([np.arange(first), first + np.flatnonzero(follow[first:] == eos)])


def _common(one: np.ndarray, other: np.ndarray) -> int:
    """The number of equal tokens from the beginning."""
    length = min(len(one), len(other))
    differ = np.flatnonzero(one[:length] != other[:length])
    return int(differ[0]) if len(differ) else length


def _generated(rendering: Rendering, answer: int) -> Span | None:
    """The span of this turn that the template marks as the assistant's; None where it marks none."""
    slot = rendering.slots[answer]
    return next((span for span in rendering.generated if span[0] <= slot.start and slot.end <= span[1]), None)


def _labelled(tags: np.ndarray, first: int, train_on: TrainOn) -> np.ndarray:
    """Marks the labels. first: the beginning of the last answer."""
    if train_on == "every_token":
        return np.ones(len(tags), dtype=bool)
    labelled = (tags == Tag.ASSISTANT) | (tags == Tag.END)
    return labelled & (np.arange(len(tags)) >= first) if train_on == "last" else labelled


def _branch(rendering: Rendering, tokens: EncodedText, owners: Owners, answer: int, first: int) -> int:
    """The number of tokens before the answer's turn: at least up to the content before, at most up to its own."""
    before = owners.places[answer - 1][1] if answer else 0
    ended = int(np.searchsorted(tokens.ends, rendering.branch, "right"))
    return min(max(ended, before), first)
