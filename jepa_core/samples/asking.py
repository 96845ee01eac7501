"""Questions that a person asks a run, and their answers; the dataset knows how its questions are written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """An answer. text: its text; rank: its place among all possible answers, from 1, None where nothing is ranked;
    confidence: larger is surer, None where there is no figure; note: what the data says of it."""

    text: str
    rank: int | None = None
    confidence: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Answer:
    """The answers found to a question, the best first. through: what answered, in words."""

    question: str
    found: tuple[Found, ...]
    through: str


@dataclass(frozen=True)
class Manner:
    """Options for an answer. plain: by the saved model alone; count: ranked answers; max_new_tokens: of a text."""

    plain: bool = False
    count: int = 3
    max_new_tokens: int = 128


#: Answers questions, in order. Raises JepaError for one that it can't read.
Asker = Callable[[Sequence[str]], list[Answer]]
