"""Halves of the held-out facts: one to choose settings by, one to report."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import torch

from jepa_core.samples.draws import hash_rows
from jepa_plugins.facts.fact_set import FactSet
from jepa_plugins.facts.plain_answers import question_ids
from jepa_plugins.facts.task import FactTask, fact_task

HeldOut = Literal["all", "tune", "report"]


def keep_half(task: FactTask, half: HeldOut) -> FactTask:
    """Keeps one half of a task's test facts; ``all`` changes nothing.

    A hash of its tokens decides on a fact's half, so the order of a file does not matter, and no fact is in both.
    Answers of one question are in one half, that of the smallest hash.
    """
    if half == "all" or "test" not in task.evaluation:
        return task
    whole = task.evaluation["test"]
    facts = whole.select(torch.arange(len(whole)))
    hashes = torch.from_numpy(hash_rows(facts.ids.numpy(), facts.valid.numpy()).view("int64"))
    _, question = question_ids(facts).unique(return_inverse=True)
    least = torch.full_like(hashes, torch.iinfo(torch.int64).max)
    hashes = least.scatter_reduce(0, question, hashes, "amin")[question]
    rows = (hashes % 2 == (half == "report")).nonzero().flatten()
    kept = FactSet(facts[rows], whole.sample_type.index_select(0, rows), whole.first_index)
    made = fact_task(task.train, {**task.evaluation, "test": kept}, task.vocabulary)
    return replace(made, tokenizer_files=task.tokenizer_files)
