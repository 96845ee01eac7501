"""The names of a task's tokens, their ids, and which of them are special."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Self

from jepa_core.errors import DataError
from jepa_core.samples.spelling import speller

#: Ids without a token that even a small vocabulary may have.
MAX_UNUSED = 20_000
PRED = "<PRED>"


def pred_names(k: int, distinct: bool) -> list[str]:
    """The names of the predictor tokens: ``<PRED>`` once, or with `distinct` ``<PRED>``, ``<PRED_2>``, …"""
    count = k if distinct else min(k, 1)
    return [PRED if i == 0 else f"<PRED_{i + 1}>" for i in range(count)]


@dataclass(frozen=True, kw_only=True)
class TokenNames:
    """Token names and ids.

    token_to_id: every token; pad_id: the padding token's; pred_ids: the predictor tokens', empty for k = 0; marked:
    further plain data of the dataset's about ids.
    """

    token_to_id: dict[str, int]
    pad_id: int
    pred_ids: tuple[int, ...] = ()
    marked: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def id_to_token(self) -> dict[int, str]:
        return {i: token for token, i in self.token_to_id.items()}

    @property
    def size(self) -> int:
        """Rows that an embedding table needs: the largest id + 1."""
        return max(self.token_to_id.values()) + 1

    def name(self, token_id: int) -> str:
        return self.id_to_token.get(int(token_id), f"<id {int(token_id)}>")

    @cached_property
    def _speller(self) -> Callable[[str], str]:
        return speller(self.token_to_id.keys())

    def spelled(self, token_id: int) -> str:
        """The name as people read it: without a tokenizer's own signs for blanks and bytes."""
        return self._speller(self.name(token_id))

    def with_predictors(self, k: int, distinct: bool) -> Self:
        """Makes the `k` predictor tokens known; one whose name is missing gets the next id."""
        tokens = dict(self.token_to_id)
        for name in pred_names(k, distinct):
            tokens.setdefault(name, max(tokens.values()) + 1)
        return replace(self, token_to_id=tokens, pred_ids=tuple(tokens[n] for n in pred_names(k, distinct)))

    def to_json(self) -> dict[str, Any]:
        own = {"token_to_id": self.token_to_id, "pad_id": self.pad_id, "pred_ids": list(self.pred_ids)}
        return {**own, **self.marked}

    @classmethod
    def from_json(cls, data: Any) -> Self:
        """Reads back what :meth:`to_json` gave. Raises DataError for anything else, such as ids of an absurdly large
        table."""
        try:
            marked = {name: value for name, value in data.items() if name not in ("token_to_id", "pad_id", "pred_ids")}
            tokens = {str(token): number for token, number in data["token_to_id"].items()}
            _check_ids(tokens.values())
            if max(tokens.values()) > 2 * len(tokens) + MAX_UNUSED:
                raise ValueError(f"id {max(tokens.values())} among {len(tokens)} tokens")
            found = cls(token_to_id=tokens, pad_id=data["pad_id"], pred_ids=tuple(data["pred_ids"]), marked=marked)
            _check_ids((found.pad_id, *found.pred_ids))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(f"not a saved vocabulary: {error}") from error
        return found


def _check_ids(ids: Iterable[Any]) -> None:
    for number in ids:
        if type(number) is not int or number < 0:
            raise ValueError(f"{str(number)[:40]!r} is no token id")
