"""The vocabulary of a task: token names, ids, and which of them are special."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from jepa_core.errors import DataError

MASK, PAD, PRED = "<mask>", "<pad>", "<PRED>"


def pred_names(k: int, distinct: bool) -> list[str]:
    """The names of the predictor tokens: ``<PRED>`` once, or with `distinct` ``<PRED>``, ``<PRED_2>``, …"""
    count = k if distinct else min(k, 1)
    return [PRED if i == 0 else f"<PRED_{i + 1}>" for i in range(count)]


@dataclass(frozen=True)
class Vocabulary:
    """Token names and ids.

    token_to_id: every token; relation_ids: ascending ids of the relation tokens;
    mask_id, pad_id: of ``<mask>`` and ``<pad>``; pred_ids: of the predictor tokens, empty for k = 0;
    inverse_ids: of each relation the inverse's id, in the order of relation_ids; empty where not known.
    """

    token_to_id: dict[str, int]
    relation_ids: tuple[int, ...]
    mask_id: int
    pad_id: int
    pred_ids: tuple[int, ...] = ()
    inverse_ids: tuple[int, ...] = ()

    @cached_property
    def id_to_token(self) -> dict[int, str]:
        return {i: token for token, i in self.token_to_id.items()}

    @property
    def size(self) -> int:
        """Rows that an embedding table needs: the largest id + 1."""
        return max(self.token_to_id.values()) + 1

    @property
    def first_relation_token_id(self) -> int:
        return self.relation_ids[0]

    def name(self, token_id: int) -> str:
        return self.id_to_token.get(int(token_id), f"<id {int(token_id)}>")

    def with_predictors(self, k: int, distinct: bool) -> Vocabulary:
        """With the `k` predictor tokens known, each added as the next id where its name is missing."""
        tokens = dict(self.token_to_id)
        for name in pred_names(k, distinct):
            tokens.setdefault(name, max(tokens.values()) + 1)
        return replace(self, token_to_id=tokens, pred_ids=tuple(tokens[n] for n in pred_names(k, distinct)))

    def to_json(self) -> dict:
        return {
            "token_to_id": self.token_to_id,
            "relation_ids": list(self.relation_ids),
            "mask_id": self.mask_id,
            "pad_id": self.pad_id,
            "pred_ids": list(self.pred_ids),
            "inverse_ids": list(self.inverse_ids),
        }

    @classmethod
    def from_json(cls, data: dict) -> Vocabulary:
        try:
            return cls(
                token_to_id=dict(data["token_to_id"]),
                relation_ids=tuple(data["relation_ids"]),
                mask_id=data["mask_id"],
                pad_id=data["pad_id"],
                pred_ids=tuple(data["pred_ids"]),
                inverse_ids=tuple(data["inverse_ids"]),
            )
        except (KeyError, TypeError) as error:
            raise DataError(f"not a saved vocabulary: {error}") from error
