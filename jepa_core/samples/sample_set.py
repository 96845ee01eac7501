"""What a dataset gives: sets of samples, and what the core has to know of the task."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from jepa_core.samples.asking import Asker, Manner
from jepa_core.samples.candidates import Asked, Candidates
from jepa_core.samples.samples import IGNORE, PAD, Samples
from jepa_core.samples.token_names import TokenNames

#: input_ids, labels, tags: ``b s`` int64 (labels unshifted, :data:`IGNORE` where there is none); group, index: ``b``.
Batch = dict[str, Tensor]


class SampleSet(Protocol):
    """A set of samples, stored without padding; a batch is padded to its own longest sample.

    max_length: tokens of the longest sample, 0 for an empty set; group_sizes: how many samples each group has, by
    name, groups that occur only. A training set may also have ``lengths``, ``n`` integers: the tokens of each sample;
    then a micro-batch has samples of like length, and where ``group_by_length`` is True a whole step. A set may have
    ``fingerprint``, text that is another one whenever its samples are; without it all samples are hashed, to tell at a
    resume whether they are the same.
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
    """What a dataset plugin gives.

    train: the training set; evaluation: further sets by name; vocabulary: names of tokens; tags: names of the tags 1,
    2, …; groups: names of the group numbers 0, 1, …; tokenizer_files: file name -> content, kept beside a trained
    model; candidates: gives everything that a target may be, for banks of negatives; asked: finds the question in
    samples, for recall; ask: from this, the objective and a manner makes what answers people's questions; checks:
    further checks of ``jepa-run verify`` by name, each called with its context and giving its rows; captions: name of
    a set or group -> what a reader of its figures should know; longest_answer: gives the tokens after which a saved
    model stops, where answers have no end of their own; notes: sentences on what was done to the data, told
    when a run starts.
    """

    train: SampleSet
    evaluation: Mapping[str, SampleSet]
    vocabulary: TokenNames
    tags: Sequence[str] = ()
    groups: Sequence[str] = ("train",)
    tokenizer_files: Mapping[str, str | bytes] = field(default_factory=dict)
    candidates: Callable[[], Candidates] | None = None
    asked: Callable[[Samples], Asked] | None = None
    ask: Callable[[Any, Any, Manner], Asker] | None = None
    checks: Mapping[str, Callable[[Any], Iterable[Any]]] = field(default_factory=dict)
    captions: Mapping[str, str] = field(default_factory=dict)
    longest_answer: Callable[[], int] | None = None
    notes: Sequence[str] = ()
    read: Callable[[str], tuple[SampleSet, Sequence[str]]] | None = None


def collate(samples: Sequence[Batch] | Batch) -> Batch:
    """Samples to a batch, right-padded to the longest; a ready batch passes through unchanged."""
    if isinstance(samples, Mapping):
        return samples
    return {key: _together(key, [sample[key] for sample in samples]) for key in samples[0]}


def _together(key: str, values: Sequence[Tensor]) -> Tensor:
    if not values[0].dim():
        return torch.stack(list(values))
    fill = {"labels": IGNORE}.get(key, PAD)
    return torch.nn.utils.rnn.pad_sequence(list(values), True, fill)
