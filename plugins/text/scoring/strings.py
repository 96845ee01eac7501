"""Comparing answers as strings: whole, by their first lines, by their beginning, or anywhere inside.

White space around the answer and the expected one never counts, since chat templates trim it. An expected answer of
white space alone, which begins every text and is in every text, only equals itself.

>>> bool(exact("a+", "a*")), bool(first_line("a*\\nand so on", "a*")), bool(contains("it is a*.", "a*"))
(False, True, True)
"""

from __future__ import annotations

from jepa_plugins.text.scoring.judgement import Judgement, judgement


def exact(answer: str, expected: str) -> Judgement:
    """Compares the whole answer."""
    return judgement(answer.strip() == expected.strip(), "another text")


def first_line(answer: str, expected: str) -> Judgement:
    """Compares the answer's first line, or as many lines as the expected one has."""
    wanted = _lines(expected)
    return judgement(_lines(answer)[: max(1, len(wanted))] == wanted, "another first line")


def starts_with(answer: str, expected: str) -> Judgement:
    """Compares the answer's beginning, whatever follows, so that a model that never stops can be right."""
    wanted = expected.strip()
    return judgement(answer.strip().startswith(wanted) if wanted else not answer.strip(), "another beginning")


def contains(answer: str, expected: str) -> Judgement:
    """Looks for the expected answer anywhere in the answer."""
    wanted = expected.strip()
    return judgement(wanted in answer if wanted else not answer.strip(), "not in it")


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.strip().splitlines()]
