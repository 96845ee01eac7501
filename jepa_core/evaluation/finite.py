"""Figures that are not finite: never a result, never kept, never silent."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

#: Key of a split's metrics for what is not finite; missing where everything is. tokens, of: how many of the answers'
#: tokens have no finite score, and of how many; figures: the (dotted) names of the metrics that became None.
NON_FINITE = "non_finite"


def without_non_finite(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Makes None of every NaN and infinity in a split's metrics, and names them in `NON_FINITE`."""
    if not (names := list(_bad(metrics))):
        return dict(metrics)
    return _cleaned(metrics) | {NON_FINITE: {**metrics.get(NON_FINITE, {}), "figures": names}}


def not_finite(metrics: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A warning for each split in which something was not finite."""
    bad = {split: values[NON_FINITE] for split, values in metrics.items() if NON_FINITE in values}
    return [f"warning: {split}: {_words(of_split)}" for split, of_split in bad.items()]


def nothing_finite(metrics: Mapping[str, Mapping[str, Any]]) -> bool:
    """Tells whether no token of any answer has a finite score: then what was trained is no model any more."""
    found = [values.get(NON_FINITE, {}) for values in metrics.values()]
    return bool(found) and all("tokens" in bad and bad["tokens"] == bad["of"] for bad in found)


def _words(bad: Mapping[str, Any]) -> str:
    figures = f"not finite, and null: {', '.join(bad.get('figures', ()))}"
    if "tokens" not in bad:
        return figures
    return f"{bad['tokens']:,} of {bad['of']:,} tokens of answers have no finite score and rank last; {figures}"


def _bad(metrics: Mapping[str, Any], path: str = "") -> Iterator[str]:
    for name, value in metrics.items():
        if isinstance(value, list):
            value = dict(zip(map(str, range(len(value))), value, strict=True))
        if isinstance(value, Mapping):
            yield from _bad(value, f"{path}{name}.")
        elif isinstance(value, float) and not math.isfinite(value):
            yield path + name


def _cleaned(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _finite(value) for name, value in metrics.items()}


def _finite(value: object) -> object:
    """The value, with None for every number in it that is not finite."""
    if isinstance(value, Mapping):
        return _cleaned(value)
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
