"""What a scorer says of one answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Verdict:
    """True in a condition where the answer is right; `why` says in a few words what was found wrong.

    judged: False where the expected answer is at fault, an expression or query that can't be used itself. Such
    a sample counts as wrong, and evaluation says how many there are.
    """

    right: bool
    why: str = ""
    judged: bool = True

    def __bool__(self) -> bool:
        return self.right


class Scorer(Protocol):
    """Judges an answer; `prompt` is what was asked, in words."""

    def __call__(self, answer: str, expected: str, prompt: str, /) -> Verdict: ...


def verdict(right: bool, otherwise: str) -> Verdict:
    """Right, or wrong for the reason `otherwise`."""
    return Verdict(right, "" if right else otherwise)


def unjudged(why: str) -> Verdict:
    """Wrong, as the expected answer can't be used: `why`."""
    return Verdict(False, f"the expected answer: {why}", judged=False)
