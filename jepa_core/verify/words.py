"""Token ids as a person reads them."""

from __future__ import annotations

from torch import Tensor

from jepa_core.samples.samples import Facts, Role
from jepa_core.samples.token_names import Vocabulary

ROLES = {value: name for name, value in vars(Role).items() if isinstance(value, int)}


def real_ids(facts: Facts, row: int) -> list[int]:
    """The ids of a row without its padding."""
    return facts.ids[row][facts.valid[row]].tolist()


def decoded(ids: list[int] | Tensor, vocabulary: Vocabulary) -> str:
    return " ".join(vocabulary.name(i) for i in (ids.tolist() if isinstance(ids, Tensor) else ids))


def named(ids: list[int], vocabulary: Vocabulary) -> str:
    """Names, and behind them the ids."""
    return f"{decoded(ids, vocabulary)} ({' '.join(map(str, ids))})"


def count(number: int, what: str) -> str:
    """``1 pair``, ``2 pairs``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
