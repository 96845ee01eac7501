"""Evaluation sets are not the training set: which of their samples stand in it."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from jepa_core.samples.draws import sequence_ids
from jepa_core.samples.sample_set import SampleSet
from jepa_core.samples.samples import Samples
from jepa_core.verify.context import Context
from jepa_core.verify.row import Row, Verdict, source_of
from jepa_core.verify.words import count

#: Samples that are read at once, and of the training set at most.
PART, MOST = 4096, 1 << 20
#: From this share on a set is the training set, not one that has some of it.
SAME = 0.5


def apart(context: Context) -> Iterator[Row]:
    """Compares token rows, padding left out. A set named like a group of the training set is of trained samples."""
    train = context.run.train_dataset
    source = source_of(type(train).__getitems__)
    known = sequence_hashes(train)
    for name, each in context.run.eval_datasets.items():
        if not len(each):
            continue
        both = int(torch.isin(sequence_hashes(each), known).sum())
        told = f"{both:,} of {count(len(each), 'sample')} stand in the training set"
        title = f"set '{name}' is apart from the training set"
        if set(each.group_sizes) <= set(train.group_sizes) and name in train.group_sizes:
            yield Row(title, Verdict.NA, both, "", f"{told}: it measures trained samples, and its name says so", source)
        else:
            wrong = Verdict.FAIL if both >= SAME * len(each) else Verdict.WARN
            yield Row(title, wrong if both else Verdict.PASS, both, "= 0", told, source)


def sequence_hashes(data_set: SampleSet) -> Tensor:
    """``n`` int64 of the first million samples."""
    found = []
    for start in range(0, min(len(data_set), MOST), PART):
        some = Samples.of_batch(data_set.__getitems__(range(start, min(start + PART, len(data_set)))))
        found.append(sequence_ids(some.ids, some.valid))
    return torch.cat(found) if found else torch.zeros(0, dtype=torch.int64)
