"""Sets of samples, and everything else that a dataset tells the core of its task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from jepa_core.errors import DataError
from jepa_core.samples.asking import Asker, Manner
from jepa_core.samples.candidates import Asked, Candidates
from jepa_core.samples.right_answers import RightAnswers
from jepa_core.samples.samples import IGNORE, PAD, Samples
from jepa_core.samples.token_names import TokenNames

#: input_ids, labels, tags: ``b s`` int64 (labels unshifted, :data:`IGNORE` where there is none); group, index: ``b``.
Batch = dict[str, Tensor]


class SampleSet(Protocol):
    """A set of samples, stored without padding; a batch is padded to its own longest sample.

    max_length: tokens of the longest sample, 0 for an empty set; group_sizes: how many samples each group has, by
    name, only groups that occur. A training set may also have ``lengths``, ``n`` integers, the tokens of each sample:
    then the samples of a micro-batch, or of a whole step where ``group_by_length`` is True, are of like length. A set
    may have ``fingerprint``, text that changes whenever its samples do; without it samples are hashed, to tell at a
    resume whether they changed.
    """

    def __len__(self) -> int: ...

    def __getitem__(self, item: int, /) -> Batch:
        """One sample: a batch without the batch axis."""
        ...

    def __getitems__(self, items: Sequence[int], /) -> Batch:
        """The batch of these samples; torch's loader asks by this name."""
        ...

    @property
    def max_length(self) -> int: ...

    @property
    def group_sizes(self) -> Mapping[str, int]: ...

    def first_rows(self, group: str, count: int, /) -> Tensor:
        """The first `count` rows of a group, or as many as there are."""
        ...


@dataclass(frozen=True)
class TaskData:
    """The task that a dataset plugin returns.

    train: the training set; evaluation: further sets by name; vocabulary: names of tokens; tags: names of the tags 1,
    2, …; groups: names of the group numbers 0, 1, …; tokenizer_files: file name -> content, kept beside a trained
    model; candidates: returns everything that a target may be, for banks of negatives; right: returns the answers
    of each question that the training samples state, which are no negatives of each other; asked: finds the question in
    samples, for recall; ask: makes the function that answers people's questions, given this task, the objective and a
    manner; checks: further checks of ``jepa-run verify`` by name, each called with its context and giving its rows;
    captions: name of a set or group -> a hint for readers of its figures; longest_answer: returns the tokens after
    which a saved model stops, where answers have no end of their own; notes: sentences on what was done to the data,
    told when a run starts; read: reads one more set from a file, with notes on it; reread: reads in full data that were
    checked when they were packed, and only opened since.
    """

    train: SampleSet
    evaluation: Mapping[str, SampleSet]
    vocabulary: TokenNames
    tags: Sequence[str] = ()
    groups: Sequence[str] = ("train",)
    tokenizer_files: Mapping[str, str | bytes] = field(default_factory=dict)
    candidates: Callable[[], Candidates] | None = None
    right: Callable[[], RightAnswers] | None = None
    asked: Callable[[Samples], Asked] | None = None
    ask: Callable[[Any, Any, Manner], Asker] | None = None
    checks: Mapping[str, Callable[[Any], Iterable[Any]]] = field(default_factory=dict)
    captions: Mapping[str, str] = field(default_factory=dict)
    longest_answer: Callable[[], int] | None = None
    notes: Sequence[str] = ()
    read: Callable[[str], tuple[SampleSet, Sequence[str]]] | None = None
    reread: Callable[[], object] | None = None


#: The meaning of each key of a batch.
KEYS = {
    "input_ids": "(b, s) token ids",
    "labels": "(b, s) token ids where next-token prediction is trained, unshifted, -100 elsewhere",
    "tags": "(b, s) what each token is: 1, 2, … as the dataset names them, 0 for padding",
    "group": "(b,) the number of each sample's group",
    "index": "(b,) a number of its own for each sample, by which its random draws are made",
}


def check_keys(batch: Mapping[str, Any], needed: Iterable[str] = KEYS) -> None:
    """Raises DataError for a batch that lacks a `needed` key, and says which."""
    missing = [f"'{name}', {KEYS[name]}" for name in needed if name not in batch]
    if missing:
        found = f"; it has {', '.join(map(str, batch)) or 'nothing'}"
        raise DataError(f"the batch has no {'; no '.join(missing)}{found} (run.collate makes whole batches)")


def parts_of(length: int, size: int) -> Iterator[range]:
    """Yields the rows of a set part by part, `size` of them at once.

    >>> list(parts_of(5, size=2))
    [range(0, 2), range(2, 4), range(4, 5)]
    """
    yield from (range(length)[start : start + size] for start in range(0, length, size))


def collate(samples: Sequence[Batch] | Batch) -> Batch:
    """Joins samples to a batch, right-padded to the longest; a ready batch passes through unchanged."""
    if isinstance(samples, Mapping):
        return samples
    if not samples:
        raise DataError("collate: expected a list of samples, or a ready batch; there is none")
    if any(sample.keys() != samples[0].keys() for sample in samples):
        raise DataError("collate: the samples do not all have the same keys")
    return {key: _together(key, [sample[key] for sample in samples]) for key in samples[0]}


def _together(key: str, values: Sequence[Tensor]) -> Tensor:
    if not values[0].dim():
        return torch.stack(list(values))
    fill = {"labels": IGNORE}.get(key, PAD)
    return torch.nn.utils.rnn.pad_sequence(list(values), True, fill)
