"""Hashes of a run's data, so that changed data are noticed when the run resumes.

A set may have a ``fingerprint`` of its own, text that changes with its content, where reading all of it would
take long; a packed one has the hashes of its files.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from torch import Tensor

#: Samples read at once. Padding is hashed too, so another number gives another hash.
PART = 1 << 12
#: The most samples of a set that are looked at, evenly spread: the start of a run must not take minutes.
LOOKED_AT = 1 << 20

#: Name -> size and hash: of ``train``, each ``evaluation.SPLIT`` and the ``vocabulary``.
Fingerprint = dict[str, dict[str, Any]]


def fingerprint(train: object, evaluation: Mapping[str, Any], token_to_id: Mapping[str, int]) -> Fingerprint:
    """Hashes the sets, sample by sample, and the names of tokens with their ids."""
    named = {"train": train, **{f"evaluation.{name}": data_set for name, data_set in evaluation.items()}}
    tokens = hashlib.sha256(json.dumps(dict(token_to_id), sort_keys=True).encode()).hexdigest()
    return {
        **{name: {"size": len(data_set), "sha256": _of_set(data_set)} for name, data_set in named.items()},
        "vocabulary": {"size": len(token_to_id), "sha256": tokens},
    }


def changed(before: object, now: Fingerprint) -> list[str]:
    """Tells what differs, in words: ``train (30 before, 31 now)``. before: as noted; None when nothing was."""
    if not isinstance(before, dict):
        return []
    names = [*now, *(name for name in before if name not in now)]
    return [_words(name, before.get(name), now.get(name)) for name in names if before.get(name) != now.get(name)]


def moved(before: Mapping[str, int], now: Mapping[str, int]) -> list[str]:
    """The names whose token ids changed: what was learned of one would be taken for another's."""
    return [name for name, token in before.items() if now.get(name, token) != token]


def _words(name: str, before: object, now: object) -> str:
    sizes = [entry.get("size") if isinstance(entry, dict) else None for entry in (before, now)]
    if sizes[0] == sizes[1]:
        return name
    was, is_now = (f"{size:,}" if type(size) is int else "none" for size in sizes)  # a file may say anything
    return f"{name} ({was} before, {is_now} now)"


def _of_set(data_set: Any) -> str:
    own = getattr(data_set, "fingerprint", None)
    if isinstance(own, str):
        return own
    digest = hashlib.sha256()
    for rows in _parts(len(data_set)):
        for key, tensor in sorted(_tensors(data_set.__getitems__(rows)), key=lambda named: named[0]):
            digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


def _tensors(batch: Mapping[str, Any]) -> Iterable[tuple[str, Tensor]]:
    return ((key, value) for key, value in batch.items() if isinstance(value, Tensor))


def _parts(length: int) -> Iterable[Sequence[int]]:
    rows = range(0, length, -(-length // LOOKED_AT) or 1)
    return (rows[start : start + PART] for start in range(0, len(rows), PART))
