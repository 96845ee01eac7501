"""The promises of a dataset: :class:`jepa_core.samples.sample_set.TaskData`, and sets of samples."""

from __future__ import annotations

from typing import Any

import torch

from jepa_core.contracts.broken import Broken
from jepa_core.contracts.task import check_names
from jepa_core.samples.draws import sequence_ids
from jepa_core.samples.sample_set import TaskData, collate
from jepa_core.samples.samples import IGNORE, PAD, Samples
from jepa_core.testing.contract import clause


class DatasetContract:
    """Subclass it and implement ``make``, to return the result of the dataset's factory; see ``jepa_core.testing``."""

    kind = "dataset"

    def make(self) -> TaskData:
        raise NotImplementedError("implement make(): return what the dataset's factory returns")

    def sets(self) -> dict[str, Any]:
        data = self.make()
        return {"the training set": data.train, **{f"set '{name}'": each for name, each in data.evaluation.items()}}

    @clause("a dataset returns TaskData")
    def test_returns_task_data(self) -> None:
        data: Any = self.make()
        assert isinstance(data, TaskData), f"returned {type(data).__name__}; build a jepa_core.TaskData"

    @clause("names, vocabulary, files and functions of a task are of the types that the core expects")
    def test_names_are_as_expected(self) -> None:
        data = self.make()
        if isinstance(data, TaskData):
            try:
                check_names(data)
            except Broken as error:
                raise AssertionError(str(error)) from error

    @clause("a batch has input_ids, labels and tags 'b s', group and index 'b', all int64")
    def test_batches_have_their_keys(self) -> None:
        for name, data_set in self.sets().items():
            rows = list(range(min(4, len(data_set))))
            batch = data_set.__getitems__(rows)
            for key, axes in {"input_ids": 2, "labels": 2, "tags": 2, "group": 1, "index": 1}.items():
                assert key in batch, f"{name}: a batch has no '{key}', only {', '.join(batch)}"
                value = batch[key]
                fits = value.dim() == axes and len(value) == len(rows)
                assert fits, f"{name}: {key} has shape {tuple(value.shape)}"
                assert value.dtype == torch.int64, f"{name}: {key} is {value.dtype}, not int64"

    @clause("rows are right-padded, to the longest sample of the batch and no further")
    def test_padding(self) -> None:
        for name, data_set in self.sets().items():
            valid = Samples.of_batch(data_set.__getitems__(list(range(min(8, len(data_set)))))).valid
            assert not (valid[:, 1:] & ~valid[:, :-1]).any(), f"{name}: padding before a real token"
            assert valid.any(dim=0).all(), f"{name}: a batch is padded beyond its longest sample"
            assert int(valid.sum(dim=1).max()) <= data_set.max_length, f"{name}: max_length is too small"

    @clause("labels are unshifted, the token's own id, and never at a sample's first token or padding")
    def test_labels(self) -> None:
        for name, data_set in self.sets().items():
            batch = data_set.__getitems__(list(range(min(8, len(data_set)))))
            labelled = batch["labels"] != IGNORE
            assert (batch["labels"] == batch["input_ids"])[labelled].all(), f"{name}: a label is not its token"
            assert not labelled[:, :1].any(), f"{name}: a sample's first token has a label, and nothing predicts it"
            assert not (labelled & (batch["tags"] == PAD)).any(), f"{name}: padding has a label"

    @clause("a sample alone is what it is in a batch")
    def test_samples_stand_alone(self) -> None:
        for name, data_set in self.sets().items():
            rows = list(range(min(4, len(data_set))))
            together, alone = data_set.__getitems__(rows), collate([data_set[row] for row in rows])
            assert torch.equal(
                alone["input_ids"].where(alone["tags"] != PAD, 0),
                together["input_ids"].where(together["tags"] != PAD, 0),
            ), f"{name}: rows differ"
            assert torch.equal(alone["index"], together["index"]), f"{name}: the index differs"

    @clause("tags and groups are numbers that the dataset names, ids are tokens of its vocabulary")
    def test_numbers_have_names(self) -> None:
        data = self.make()
        for name, data_set in self.sets().items():
            batch = data_set.__getitems__(list(range(min(64, len(data_set)))))
            assert int(batch["tags"].max()) <= len(data.tags), f"{name}: a tag has no name"
            assert int(batch["group"].max()) < len(data.groups), f"{name}: a group has no name"
            assert int(batch["input_ids"].max()) < data.vocabulary.size, f"{name}: an id beyond the vocabulary"
            assert sum(data_set.group_sizes.values()) == len(data_set), f"{name}: group_sizes do not add up"
            for group, count in data_set.group_sizes.items():
                assert len(data_set.first_rows(group, 10**9)) == count, f"{name}: first_rows of {group}"

    @clause("every sample of the task has an index of its own")
    def test_indices_are_apart(self) -> None:
        sets = self.sets().values()
        found = [s.__getitems__(list(range(min(256, len(s)))))["index"] for s in sets if len(s)]
        together = torch.cat(found)
        assert len(together.unique()) == len(together), "two samples have one index"

    @clause("no evaluation set is the training set, or holds the same samples in the same group")
    def test_training_and_evaluation_are_apart(self) -> None:
        data = self.make()
        for name, each in data.evaluation.items():
            if set(each.group_sizes) & set(data.train.group_sizes):
                continue  # samples that are trained, and said to be
            held_out, trained = _hashes(each), _hashes(data.train)
            both = len(set(held_out) & set(trained))
            assert not both, f"{both} samples of set '{name}' stand in the training set"


def _hashes(data_set: Any) -> list[int]:
    if not len(data_set):
        return []
    some = Samples.of_batch(data_set.__getitems__(list(range(min(4096, len(data_set))))))
    return sequence_ids(some.ids, some.valid).tolist()
