"""Answers compared as strings: whole, by their first lines, by their beginning, or anywhere inside.

White space around the answer and the expected one never counts: chat templates trim it. An expected answer of
nothing but white space is the beginning and a part of everything, so it only equals itself.

>>> bool(exact("a+", "a*")), bool(first_line("a*\\nand so on", "a*")), bool(contains("it is a*.", "a*"))
(False, True, True)
"""

from __future__ import annotations

from jepa_plugins.text.scoring.verdict import Verdict, verdict


def exact(answer: str, expected: str) -> Verdict:
    """The answer is the expected one, and nothing else."""
    return verdict(answer.strip() == expected.strip(), "another text")


def first_line(answer: str, expected: str) -> Verdict:
    """The answer's first line is the expected one; as many lines as that has, where it has several."""
    wanted = _lines(expected)
    return verdict(_lines(answer)[: max(1, len(wanted))] == wanted, "another first line")


def starts_with(answer: str, expected: str) -> Verdict:
    """The answer begins with the expected one, whatever follows: right also for a model that never stops."""
    wanted = expected.strip()
    return verdict(answer.strip().startswith(wanted) if wanted else not answer.strip(), "another beginning")


def contains(answer: str, expected: str) -> Verdict:
    """The expected answer stands somewhere in the answer."""
    wanted = expected.strip()
    return verdict(wanted in answer if wanted else not answer.strip(), "not in it")


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]
