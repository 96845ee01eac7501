"""The vocabulary of facts: token names, with the relations, their inverses and the mask."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Self

from jepa_core import DataError
from jepa_core.samples.token_names import PRED, TokenNames, pred_names

MASK, PAD = "<mask>", "<pad>"

__all__ = ["MASK", "PAD", "PRED", "Vocabulary", "pred_names"]


@dataclass(frozen=True, kw_only=True)
class Vocabulary(TokenNames):
    """Token names and ids of facts.

    relation_ids: ascending ids of the relation tokens; mask_id: of ``<mask>``; inverse_ids: the id of each relation's
    inverse, in the order of relation_ids; empty where not known.
    """

    relation_ids: tuple[int, ...]
    mask_id: int
    inverse_ids: tuple[int, ...] = field(default=())

    @property
    def first_relation_token_id(self) -> int:
        return self.relation_ids[0]

    def to_json(self) -> dict[str, Any]:
        lists = {"relation_ids": list(self.relation_ids), "inverse_ids": list(self.inverse_ids)}
        return {**super().to_json(), **lists, "mask_id": self.mask_id}

    @classmethod
    def of(cls, names: TokenNames) -> Vocabulary:
        """The vocabulary of a dataset of facts, also after saving and loading. Raises DataError for another task's."""
        return names if isinstance(names, cls) else cls.from_json(names.to_json())

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        names = TokenNames.from_json(data)
        try:
            relations, inverses = tuple(names.marked["relation_ids"]), tuple(names.marked["inverse_ids"])
            mask = names.marked["mask_id"]
        except (KeyError, TypeError) as error:
            raise DataError(f"not a vocabulary of facts: {error}") from error
        known = set(names.token_to_id.values())
        for token_id in (*relations, *inverses, mask, names.pad_id):
            if type(token_id) is not int or token_id not in known:
                raise DataError(f"not a vocabulary of facts: {str(token_id)[:40]!r} is the id of no token")
        if len(inverses) not in (0, len(relations)):
            raise DataError(f"not a vocabulary of facts: {len(relations)} relations, {len(inverses)} inverses")
        return cls(
            token_to_id=names.token_to_id,
            pad_id=names.pad_id,
            pred_ids=names.pred_ids,
            relation_ids=relations,
            mask_id=mask,
            inverse_ids=inverses,
        )
