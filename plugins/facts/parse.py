"""Parsing JSON items into facts.

An item is ``{"input_text": [[head ids], [relation id], [mask id]], "target_text": [[tail ids]], "type": …}``.
All items are checked at once, which is fast; only when something is wrong are they checked one by one, to
name the item.

Axes: ``n`` facts, ``s`` tokens of the longest one.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
import torch
from torch import Tensor

from jepa_core import DataError, raise_all, show
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.bounds import LONGEST_FACT, refuse_too_large
from jepa_plugins.facts.roles import Role, SampleType
from jepa_plugins.facts.vocabulary import MASK, PAD

_FIELDS = ("input_text[0]", "input_text[1]", "input_text[2]", "target_text[0]")
_SPANS = ("head", "relation", "mask", "tail")
_ROLES = np.array([Role.HEAD, Role.RELATION, Role.MASK, Role.TAIL])


@dataclass(frozen=True)
class ItemParser:
    """Makes facts of the items of one list. where: opens every message; types: the sample types allowed."""

    where: str
    token_to_id: dict[str, int]
    types: Collection[str]

    @cached_property
    def _known(self) -> frozenset[int]:
        return frozenset(self.token_to_id.values())

    def __call__(self, items: object, first: int = 0) -> tuple[Samples, Tensor]:
        """Parses the facts, and their sample types ``n``. Raises DataError naming item and field.

        first: the number of the first item, where these are a part of the list.
        """
        if not isinstance(items, list):
            raise DataError(f"{self.where}: expected a list of facts, not {show(items)}")
        parsed = self._parse(items, first)
        if parsed is None:
            found = ((number, self._wrong(item)) for number, item in enumerate(items, first))
            problems = [f"{self.where}: item {number}: {wrong}" for number, wrong in found if wrong]
            raise_all(problems, len(items), "items")
            raise AssertionError("facts that are right one by one are right together")
        return parsed

    def _parse(self, items: Sequence[Any], first: int) -> tuple[Samples, Tensor] | None:
        """Parses all items at once; None where anything is wrong."""
        try:
            if {(len(item["input_text"]), len(item["target_text"])) for item in items} - {(3, 1)}:
                return None
            spans = [span for item in items for span in (*item["input_text"], *item["target_text"])]
            types = [item["type"] for item in items]
            flat = list(chain.from_iterable(spans))
            if set(map(type, spans)) - {list} or set(map(type, flat)) - {int} or set(types) - set(self.types):
                return None
            lengths, ids = (
                np.fromiter(map(len, spans), np.int64).reshape(-1, 4),
                np.array(flat, dtype=np.int64),
            )
        except (TypeError, KeyError, OverflowError):
            return None
        if not self._fits(lengths, ids):
            return None
        self._refuse_too_large(lengths.sum(axis=1), first)
        return self._rows(lengths, ids), torch.tensor([SampleType[name.upper()] for name in types], dtype=torch.int64)

    def _fits(self, lengths: np.ndarray, ids: np.ndarray) -> bool:
        """Tells whether spans are valid. lengths: ``n 4`` of head, relation, mask, tail; ids: all their tokens."""
        if (lengths == 0).any() or (lengths[:, 1:3] != 1).any():
            return False
        if not np.isin(ids, list(self._known)).all():
            return False
        role = np.tile(_ROLES, len(lengths)).repeat(lengths.ravel())
        is_mask, is_pad = ids == self.token_to_id[MASK], ids == self.token_to_id[PAD]
        return bool((is_mask == (role == Role.MASK)).all() and not is_pad.any())

    def _refuse_too_large(self, totals: np.ndarray, first: int) -> None:
        """Raises DataError where facts are too large. totals: ``n`` tokens of each fact."""
        for number in np.flatnonzero(totals > LONGEST_FACT)[:1].tolist():
            words = f"expected a fact of at most {LONGEST_FACT:,} tokens, it has {totals[number]:,}"
            raise DataError(f"{self.where}: item {first + number}: {words}")
        try:
            refuse_too_large(len(totals), int(totals.max(initial=0)))
        except DataError as error:
            raise DataError(f"{self.where}: {error}") from error

    def _rows(self, lengths: np.ndarray, ids: np.ndarray) -> Samples:
        total = lengths.sum(axis=1)
        real = np.arange(total.max(initial=0)) < total[:, None]
        table, tags = np.full(real.shape, self.token_to_id[PAD]), np.full(real.shape, int(Role.PAD))
        table[real], tags[real] = ids, np.tile(_ROLES, len(lengths)).repeat(lengths.ravel())
        return Samples(torch.from_numpy(table), torch.from_numpy(tags))

    def _wrong(self, item: object) -> str | None:
        """Names the problem with one item, or None."""
        if not isinstance(item, dict):
            return f"expected an object with input_text, target_text and type, not {show(item)}"
        for field, count in (("input_text", 3), ("target_text", 1)):
            value = item.get(field)
            if not isinstance(value, list) or len(value) != count:
                parts = "[[head ids], [relation id], [mask id]]" if count == 3 else "[[tail ids]]"
                return f"{field}: expected {parts}, {_not(item, field)}"
        for name, field, span in zip(_SPANS, _FIELDS, (*item["input_text"], *item["target_text"]), strict=True):
            if wrong := self._wrong_span(name, span):
                return f"{field}: {wrong}"
        if not isinstance(item.get("type"), str) or item["type"] not in self.types:
            allowed = " or ".join(f'"{name}"' for name in self.types)
            return f"type: expected {allowed}, {_not(item, 'type')}"
        return None

    def _wrong_span(self, name: str, span: object) -> str | None:
        if not isinstance(span, list):
            return f"expected a list of token ids for the {name}, not {show(span)}"
        if not span:
            return f"the {name} is empty: expected at least one token id"
        if name in ("relation", "mask") and len(span) > 1:
            return f"expected one token id for the {name}, not {show(span)}"
        for token in span:
            if type(token) is not int or token not in self._known:
                low, high = min(self._known), max(self._known)
                return f"expected token ids of vocab.json ({low} to {high}), not {show(token)}"
        mask, pad = self.token_to_id[MASK], self.token_to_id[PAD]
        if name == "mask" and span != [mask]:
            return f"expected [{mask}], the id of {MASK}, not {show(span)}"
        if name != "mask" and (mask in span or pad in span):
            return f"expected the {name}'s own tokens only, not {MASK} ({mask}) or {PAD} ({pad}): {show(span)}"
        return None


def _not(item: dict, field: str) -> str:
    return f"not {show(item[field])}" if field in item else "it is missing"
