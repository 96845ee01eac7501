"""Halves of the held-out facts: one to choose settings by, one to report."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import torch

from jepa_plugins.facts.fact_set import FactSet, TaskData
from jepa_plugins.facts.row_hashes import hash_rows

HeldOut = Literal["all", "tune", "report"]


def keep_half(task: TaskData, half: HeldOut) -> TaskData:
    """The task with that half of its test facts; ``all`` changes nothing.

    Which half a fact is in is a hash of its tokens, so it does not depend on the order of a file, and no fact is
    in both.
    """
    if half == "all" or "test" not in task.evaluation:
        return task
    whole = task.evaluation["test"]
    facts = whole.select(torch.arange(len(whole)))
    hashes = torch.from_numpy(hash_rows(facts.ids.numpy(), facts.valid.numpy()).view("int64"))
    rows = (hashes % 2 == (half == "report")).nonzero().flatten()
    kept = FactSet(facts[rows], whole.sample_type.index_select(0, rows), whole.first_index)
    return replace(task, evaluation={**task.evaluation, "test": kept})
