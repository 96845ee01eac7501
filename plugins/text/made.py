"""Pairs made by the project itself: ``made:regex``, from a small grammar of lines and regular expressions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from jepa_core import DataError
from jepa_plugins.text.grammar import Messages, regex_pairs

PREFIX = "made:"
#: The grammar's version: changes whenever other pairs come out.
VERSION = 1
PAIRS = {"train": 6000, "test": 500}


@dataclass(frozen=True)
class MadePairs:
    """One part of the pairs, train or test, which share no description."""

    part: str

    @property
    def name(self) -> str:
        return f"{PREFIX}regex"

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        for number, messages in enumerate(_made()[self.part], start=1):
            yield number, {"messages": messages}

    def where(self, row: int) -> str:
        return f"{self.name}: {self.part}: pair {row}"

    def digest(self) -> str:
        return f"{self.name} {self.part} {VERSION}"


def made(name: str, part: str) -> MadePairs:
    """The pairs called `name`. Raises DataError for another name or part."""
    if name != f"{PREFIX}regex":
        raise DataError(f"{name}: there is only made:regex")
    if part not in PAIRS:
        raise DataError(f"{name}: has the parts train and test, not '{part}'")
    return MadePairs(part)


@lru_cache(maxsize=1)
def _made() -> dict[str, list[Messages]]:
    return dict(zip(PAIRS, regex_pairs(train=PAIRS["train"], test=PAIRS["test"]), strict=True))
