"""A scorer's verdict on one answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Judgement:
    """A verdict, true in a condition if the answer is right; `why` gives a wrong one's fault in a few words.

    judged: False where the expected answer is at fault, an expression or query that can't be used itself. Such
    a sample counts as wrong, and evaluations count them apart.
    """

    right: bool
    why: str = ""
    judged: bool = True

    def __bool__(self) -> bool:
        return self.right


class Scorer(Protocol):
    """A judge of answers; `prompt` is the question, in words."""

    def __call__(self, answer: str, expected: str, prompt: str, /) -> Judgement: ...


def judgement(right: bool, otherwise: str) -> Judgement:
    """A verdict of right, or wrong for the reason `otherwise`."""
    return Judgement(right, "" if right else otherwise)


def unjudged(why: str) -> Judgement:
    """A verdict of wrong because the expected answer can't be used; `why` tells the reason."""
    return Judgement(False, f"the expected answer: {why}", judged=False)
