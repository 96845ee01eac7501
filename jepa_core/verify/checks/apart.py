"""Checks that evaluation sets are apart from the training set, by counting their samples in it."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from jepa_core.samples.draws import sequence_ids
from jepa_core.samples.sample_set import SampleSet, parts_of
from jepa_core.samples.samples import Samples
from jepa_core.verify.context import Context
from jepa_core.verify.row import Row, Verdict, source_of
from jepa_core.verify.words import count

#: Samples read at once, and the most read of a set.
PART, MOST = 4096, 1 << 20
#: The share from which on a set counts as the training set itself, and not as one that overlaps it.
SAME = 0.5


def apart(context: Context) -> Iterator[Row]:
    """Compares token rows without padding. A set named like a group of the training set may hold trained samples."""
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
    """Hashes the token rows of up to the first million samples, ``n`` int64."""
    found = []
    for rows in parts_of(min(len(data_set), MOST), PART):
        some = Samples.of_batch(data_set.__getitems__(rows))
        found.append(sequence_ids(some.ids, some.valid))
    return torch.cat(found) if found else torch.zeros(0, dtype=torch.int64)
