"""Token ids in words, for a person to read."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from jepa_core.samples.samples import PAD, PRED, Samples
from jepa_core.samples.token_names import TokenNames


def tag_names(tags: Sequence[str]) -> dict[int, str]:
    """Number -> name of every tag, the core's own included."""
    return {PAD: "pad", PRED: "pred", **dict(enumerate(tags, start=1))}


def real_ids(samples: Samples, row: int) -> list[int]:
    """The ids of a row without its padding."""
    return samples.ids[row][samples.valid[row]].tolist()


def spelled(ids: list[int] | Tensor, vocabulary: TokenNames) -> str:
    return " ".join(vocabulary.spelled(i) for i in (ids.tolist() if isinstance(ids, Tensor) else ids))


def named(ids: list[int], vocabulary: TokenNames) -> str:
    """The tokens' names, followed by their ids."""
    return f"{spelled(ids, vocabulary)} ({' '.join(map(str, ids))})"


def count(number: int, what: str) -> str:
    """The number with its noun: ``1 pair``, ``2 pairs``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"
