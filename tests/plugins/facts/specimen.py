"""A task small enough to see whole, with entities of one to three tokens."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from jepa_core.samples.sample_set import TaskData
from jepa_plugins.facts.fact_set import FactSet

TOKENS = {
    **{f"<w_{i}>": i for i in range(9)},
    **{"<mask>": 9, "<r>": 10, "<r_inv>": 11, "<pad>": 12},
}


def item(head: list[int], relation: int, tail: list[int], kind: str) -> dict[str, Any]:
    return {"input_text": [head, [relation], [9]], "target_text": [tail], "type": kind}


def contents() -> dict[str, Any]:
    """File name -> JSON value: two entities asked both ways, two one way."""
    forward, backward = item([0], 10, [1, 2], "train"), item([1, 2], 11, [0], "train")
    atomic = item([3, 4, 5], 10, [6], "atomic")
    data = {
        "train.json": [forward, backward, atomic],
        "valid.json": {"train": [backward], "atomic": [atomic], "test": [item([6], 11, [3, 4, 5], "test")]},
        "vocab.json": TOKENS,
    }
    return json.loads(json.dumps(data))  # nothing shared, so that a test may change one place


def write(folder: Path, data: dict[str, Any]) -> Path:
    """Text is written as it is, anything else as JSON."""
    folder.mkdir(exist_ok=True)
    for name, value in data.items():
        (folder / name).write_text(value if isinstance(value, str) else json.dumps(value))
    return folder


def same_set(a: FactSet, b: FactSet) -> bool:
    fields = ("ids", "tags", "sample_type")
    return a.first_index == b.first_index and all(torch.equal(getattr(a, f), getattr(b, f)) for f in fields)


def same_task(a: TaskData, b: TaskData) -> bool:
    """Token for token, split for split."""
    return (
        a.vocabulary == b.vocabulary
        and same_set(a.train, b.train)
        and list(a.evaluation) == list(b.evaluation)
        and all(same_set(a.evaluation[split], b.evaluation[split]) for split in a.evaluation)
    )


def triples(facts: FactSet) -> list[tuple[tuple[int, ...], int, tuple[int, ...]]]:
    """Each fact as (head ids, relation id, tail ids)."""
    found = []
    for ids, tags in zip(facts.ids.tolist(), facts.tags.tolist(), strict=True):
        spans = [tuple(i for i, role in zip(ids, tags, strict=True) if role == wanted) for wanted in (1, 2, 4)]
        found.append((spans[0], spans[1][0], spans[2]))
    return found
