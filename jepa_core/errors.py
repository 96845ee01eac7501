"""Errors that a user can mend. The command line prints them without a traceback."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice

#: The longest name, and the most known names, that are compared: a vocabulary may have millions.
_LONGEST, _MOST = 200, 10_000

_JSON = json.JSONEncoder(ensure_ascii=False, default=str)

#: The most problems of a kind that are shown in full.
FEW = 10


class JepaError(Exception):
    """A mistake in what the user gave; ``exit_status`` is what ``jepa-run`` ends with."""

    exit_status = 1


class DataError(JepaError):
    """Bad data: the message names the file, the item or line, the field and what was expected."""


class ComponentError(JepaError):
    """A component is unknown, ambiguous, broken, or does not keep its contract."""


def raise_all(problems: Sequence[str], looked_at: int, what: str) -> None:
    """Raises one DataError that shows the first few problems, and says how many there are.

    problems: one message each; looked_at: how many `what` were checked, as lines or items. Raises nothing where there
    are no problems.
    """
    if not problems:
        return
    told = list(problems[:FEW])
    if len(problems) > 1:
        more = f", {FEW} of them above" if len(problems) > FEW else ""
        told.append(f"{len(problems):,} of {looked_at:,} {what} are wrong{more}")
    raise DataError("\n".join(told))


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a recipe, and where it stands.

    ``where`` is ``file:line`` or ``command line``; ``key`` the dotted path in the recipe.
    """

    where: str
    key: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.key, self.message) if part)


class RecipeError(JepaError):
    """Everything that is wrong in a recipe, all at once."""

    exit_status = 2

    def __init__(self, problems: Iterable[Problem]):
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def one_line(error: BaseException) -> str:
    """An error's whole message in one line; the name of its class where it has none."""
    return " ".join(str(error).split()) or type(error).__name__


def brief(error: BaseException) -> str:
    """``TypeError: words``, the message cut to its first line: PyTorch's go on with frames of C++."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def show(value: object, limit: int = 60) -> str:
    """Formats a value for a message, as JSON, shortened; a large value is read no further than needed.

    >>> show({"a": None})
    '{"a": null}'
    """
    value = value[: limit + 1] if isinstance(value, str | list) else value
    text = "".join(islice(_JSON.iterencode(value), limit + 1))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def without_traceback(error: JepaError) -> None:
    """Removes the traceback that PyTorch adds to an error's message when a process that makes batches raises it."""
    if found := re.search(r"\nOriginal Traceback .*\n[\w.]+: (.*)", str(error), re.DOTALL):
        error.args = (found[1].strip(),)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'eps'?"`` when a known name is close to `name`, else an empty string."""
    alike = (each for each in known if 3 * len(name) <= 7 * len(each) <= 49 / 3 * len(name))  # else too unlike
    close = get_close_matches(name, islice(alike, _MOST), n=1, cutoff=0.6) if len(name) <= _LONGEST else ()
    return f"; did you mean '{close[0]}'?" if close else ""
