"""The checks of conversations in ``jepa-run verify``, beside those of every task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from importlib import import_module
from typing import Any

from jepa_plugins.text.source_part import SourcePart
from jepa_plugins.text.tokenise import Tokenise

#: Name of a check -> its module and function.
CHECKS = {
    "answers": ("check_answers", "answers"),
    "texts": ("check_rendering", "rendering"),
    "predictor tokens": ("check_predictors", "predictors"),
    "evaluation texts": ("check_overlap", "overlap"),
}


def text_checks(tokenise: Tokenise, parts: Sequence[SourcePart]) -> Mapping[str, Callable[[Any], Iterable[Any]]]:
    """Name -> check, to be called with the context of a verification.

    tokenise, parts: makers and contents of the sets, the training set first.
    """
    return {name: partial(_run, *where, tokenise, parts) for name, where in CHECKS.items()}


def _run(module: str, name: str, tokenise: Tokenise, parts: Sequence[SourcePart], context: object) -> Iterable[Any]:
    """Runs a check, importing it only now, since it needs the modules that build a whole run."""
    check = getattr(import_module(f"jepa_plugins.text.{module}"), name)
    return check(context, tokenise, parts)
