"""Counts of what was done to a set's conversations, so that nobody has to guess."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

#: Name of a count -> its words, with `{n}` conversations or tokens; `{s}` is the plural's.
WORDS = {
    "dropped": "{n} dropped, longer than max_length",
    "cut": "{n} cut at the front of what the user says, to max_length",
    "merged": "{n} system message{s} merged into the user's turn, as the template has no such role",
    "left_out": "{n} turn{s} left out that no assistant answers",
    "escaped": "{n} with special tokens in what somebody says, which are ordinary text",
    "straddling": "{n} token{s} partly of content and partly of the template, counted as content",
    "unknown": "{n} token{s} for text which the tokenizer does not know",
    "unended": "{n} answer{s} before the last that the template does not end",
}


class Tally(Counter[str]):
    """Counts by name in :data:`WORDS`, and ``read``, the conversations altogether."""

    def notes(self, name: str) -> list[str]:
        """A sentence for each count above 0. name: of the set."""
        of = f"{name}: of {self['read']:,} conversation{_s(self['read'])} "
        found = ((self[key], words) for key, words in WORDS.items() if self[key])
        return [of + words.format(n=f"{number:,}", s=_s(number)) for number, words in found]

    @classmethod
    def from_json(cls, counts: Mapping[str, int]) -> Tally:
        return cls({key: int(count) for key, count in counts.items()})


def _s(number: int) -> str:
    return "" if number == 1 else "s"
