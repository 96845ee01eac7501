"""Scorers by name, with their options: ``exact``, or ``{name: regex_equivalence, seconds: 5}``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from jepa_core.errors import ComponentError, did_you_mean
from jepa_plugins.text.scoring.judgement import Judgement, Scorer
from jepa_plugins.text.scoring.number import number
from jepa_plugins.text.scoring.regex_equivalence import RegexEquivalence
from jepa_plugins.text.scoring.sql_execution import SqlExecution
from jepa_plugins.text.scoring.strings import contains, exact, first_line, starts_with

#: Scorers that compare two texts, and have no options.
PLAIN: dict[str, Callable[[str, str], Judgement]] = {
    "exact": exact,
    "first_line": first_line,
    "starts_with": starts_with,
    "contains": contains,
    "number": number,
}
#: Scorers whose keywords are their options.
WITH_OPTIONS: dict[str, Callable[..., Scorer]] = {
    "regex_equivalence": RegexEquivalence,
    "sql_execution": SqlExecution,
}


def make_scorer(wanted: str | Mapping[str, Any]) -> tuple[str, Scorer]:
    """Makes name and scorer. Raises ComponentError for an unknown name or option, or a value that a scorer refuses."""
    name, options = _parts(wanted)
    factory = WITH_OPTIONS.get(name)
    known = inspect.signature(factory).parameters if factory else {}
    for option in options:
        if option not in known:
            raise ComponentError(f"unknown option '{option}' of the scorer '{name}'{did_you_mean(option, known)}")
    if factory is None:
        return name, _of_two(PLAIN[name])
    missing = [key for key, parameter in known.items() if parameter.default is parameter.empty and key not in options]
    if missing:
        raise ComponentError(f"the scorer '{name}' needs '{missing[0]}'")
    try:
        return name, factory(**options)
    except (TypeError, ValueError) as error:
        raise ComponentError(f"the scorer '{name}': {error}") from error


def _parts(wanted: str | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    options = {"name": wanted} if isinstance(wanted, str) else dict(wanted)
    name = options.pop("name", None)
    if name not in PLAIN and name not in WITH_OPTIONS:
        names = [*PLAIN, *WITH_OPTIONS]
        close = did_you_mean(str(name), names) or f"; there are {', '.join(names)}"
        raise ComponentError(f"unknown scorer {name!r}{close}")
    return name, options


def _of_two(compare: Callable[[str, str], Judgement]) -> Scorer:
    """Turns a comparison of two texts into a scorer, which also takes the prompt."""
    return lambda answer, expected, prompt: compare(answer, expected)
