"""Finding the place of each content in a conversation's text, by the template's own words around it.

Nothing is searched for in a text: the template renders marks instead of contents once, and a conversation's text
must be the words around the marks with the contents in between. Where it is not, because the template looks into
the contents, each content lies where the text changes when a mark replaces it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from jepa_plugins.text.conversation import SYSTEM, USER, Conversation
from jepa_plugins.text.secret import secret

#: A mark is a number between random characters, which nobody can have written.
_EDGE = secret(4)
_MARK = re.compile(f"{_EDGE}([0-9]+){_EDGE}")

Span = tuple[int, int]
#: A literal's number and a place in it.
Place = tuple[int, int]


@dataclass(frozen=True)
class Slot:
    """The characters ``[start, end)`` of the content, or a part of it, of a turn of this role."""

    start: int
    end: int
    role: str


@dataclass(frozen=True)
class Rendering:
    """A conversation as text.

    slots: the contents' places, in order; branch: the end of the turn before the answer, which is the last turn;
    generated: the spans that the template marks as the assistant's, empty where it marks none.
    """

    text: str
    slots: tuple[Slot, ...]
    branch: int
    generated: tuple[Span, ...] = ()

    @property
    def literals(self) -> list[Span]:
        """The spans that the template wrote itself."""
        starts = (0, *(slot.end for slot in self.slots))
        ends = (*(slot.start for slot in self.slots), len(self.text))
        return list(zip(starts, ends, strict=True))


@dataclass(frozen=True)
class Skeleton:
    """literals: the words before, between and behind the contents; order: the contents' turns; closing: characters of
    the literal before the last content that end the previous turn; generated: as in a rendering."""

    literals: tuple[str, ...]
    order: tuple[int, ...]
    closing: int = 0
    generated: tuple[tuple[Place, Place], ...] = ()

    def fit(self, conversation: Conversation, text: str) -> Rendering | None:
        """Takes the text apart; None where it isn't these literals around the contents, whole or stripped."""
        for prepare in (str, str.strip):
            contents = [prepare(conversation.contents[turn]) for turn in self.order]
            pieces = [piece for pair in zip(self.literals, (*contents, ""), strict=True) for piece in pair]
            if "".join(pieces) == text:
                ends = [*accumulate(map(len, pieces))]
                return self._rendering(conversation, text, [*zip(ends[:-2:2], ends[1:-1:2], strict=True)])
        return None

    def _rendering(self, conversation: Conversation, text: str, spans: Sequence[Span]) -> Rendering:
        starts = (0, *(end for _, end in spans))  # of the literals
        generated = tuple((starts[i] + a, starts[j] + b) for (i, a), (j, b) in self.generated)
        return Rendering(text, slots_of(conversation, text, self.order, spans), starts[-2] + self.closing, generated)


def marked(roles: tuple[str, ...]) -> Conversation:
    """Makes a conversation of marks."""
    return Conversation(roles, tuple(_mark(turn) for turn in range(len(roles))))


def skeleton_of(text: str, generated: Sequence[Span] = ()) -> Skeleton:
    """Makes a skeleton of the text of :func:`marked` turns; generated: spans of that text."""
    parts, marks = _MARK.split(text), [mark.span() for mark in _MARK.finditer(text)]
    places = tuple((_place(start, marks), _place(end, marks)) for start, end in generated)
    return Skeleton(tuple(parts[::2]), tuple(map(int, parts[1::2])), generated=places)


def by_difference(
    conversation: Conversation, text: str, apply: Callable[[Conversation], str], skeleton: Skeleton
) -> Rendering | None:
    """Takes the text apart by its changes when one content becomes a mark; None where contents are mixed."""
    spans = []
    for turn in skeleton.order:
        contents = [*conversation.contents]
        contents[turn] = _mark(turn)
        other = apply(replace(conversation, contents=tuple(contents), merged=0))
        start = common_length(text, other)
        spans.append((start, len(text) - common_length(text[start:][::-1], other[start:][::-1])))
    if any(first[1] > second[0] for first, second in pairwise(spans)):
        return None
    before = spans[-2][1] if len(spans) > 1 else 0
    closing = common_length(text[before : spans[-1][0]], skeleton.literals[-2][: skeleton.closing])
    return Rendering(text, slots_of(conversation, text, skeleton.order, spans), before + closing)


def slots_of(conversation: Conversation, text: str, order: Sequence[int], spans: Sequence[Span]) -> tuple[Slot, ...]:
    """Makes a slot a content, but two for a user's content with the system message at its front."""
    slots: list[Slot] = []
    for turn, (start, end) in zip(order, spans, strict=True):
        cut = conversation.contents[0].find(text[start:end]) if turn == 0 and conversation.merged else -1
        if cut < 0:
            slots.append(Slot(start, end, conversation.roles[turn]))
        else:  # of the content, the template has left out `cut` characters of white space at the front
            system, user = (min(start + max(n - cut, 0), end) for n in (conversation.merged, conversation.merged + 2))
            slots += [Slot(start, system, SYSTEM), Slot(user, end, USER)]
    return tuple(slots)


def common_length(one: str, other: str) -> int:
    """The number of equal characters from the beginning."""
    same, differ = 0, min(len(one), len(other)) + 1
    while differ - same > 1:
        middle = (same + differ) // 2
        same, differ = (middle, differ) if one[:middle] == other[:middle] else (same, middle)
    return same


def _mark(turn: int) -> str:
    return f"{_EDGE}{turn}{_EDGE}"


def _place(character: int, marks: Sequence[Span]) -> Place:
    before = [end for _, end in marks if end <= character]
    return len(before), character - (before[-1] if before else 0)
