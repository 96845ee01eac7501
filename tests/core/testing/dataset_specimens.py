"""Datasets that keep the contract, and datasets that break one clause each."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import torch

from jepa_core.samples.sample_set import TaskData, collate
from jepa_core.samples.samples import IGNORE
from jepa_core.samples.token_names import TokenNames
from jepa_core.testing import DatasetContract

#: Samples (ids, tags): labels are on tag 2.
SHORT, MIDDLE, LONG = ([1, 5, 7], [1, 1, 2]), ([2, 5, 8, 9], [1, 1, 2, 2]), ([3, 4, 5, 7, 7], [1, 1, 1, 2, 2])
OTHER, ANOTHER = ([4, 6, 8], [1, 1, 2]), ([1, 6, 9, 9], [1, 1, 2, 2])
NAMES = ("train", "test")
VOCABULARY = TokenNames(token_to_id={f"w{i}": i for i in range(12)}, pad_id=0)


class Listed:
    """A set of some samples of one group."""

    def __init__(self, samples, group=0, first=0):
        self.samples, self.groups, self.first = samples, [group] * len(samples), first

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, item):
        ids, tags = (torch.tensor(part) for part in self.samples[item])
        group, index = torch.tensor(self.groups[item]), torch.tensor(item + self.first)
        return {"input_ids": ids, "labels": ids.where(tags == 2, IGNORE), "tags": tags, "group": group, "index": index}

    def __getitems__(self, items):
        return collate([self[item] for item in items])

    @property
    def max_length(self):
        return max(len(ids) for ids, _ in self.samples)

    @property
    def group_sizes(self):
        return {NAMES[group]: count for group, count in Counter(self.groups).items()}

    def first_rows(self, group, count):
        return torch.tensor([row for row, each in enumerate(self.groups) if NAMES[each] == group][:count])


def task(made=Listed, held_out=None) -> TaskData:
    """A task with a training set of the class `made`."""
    test = held_out or Listed([OTHER, ANOTHER], group=1, first=3)
    return TaskData(made([SHORT, MIDDLE, LONG]), {"test": test}, VOCABULARY, ("a", "b"), NAMES)


class TestListed(DatasetContract):
    def make(self):
        return task()


class TestTrainedSamplesAreAskedToo(DatasetContract):
    """They stand in the training samples' group, so that nobody takes them for held out."""

    def make(self):
        return task(held_out=Listed([SHORT], group=0, first=3))


class TestNoTaskData(DatasetContract):
    fails = ("test_returns_task_data",)
    fails_wherever_called = True

    def make(self):
        return {"train": Listed([SHORT])}


def changed(change):
    """A class of sets whose samples go through `change`."""

    class Changed(Listed):
        def __getitem__(self, item):
            return change(super().__getitem__(item))

    return Changed


class TestNoIndex(DatasetContract):
    fails = ("test_batches_have_their_keys",)
    fails_wherever_called = True

    def make(self):
        return task(changed(lambda sample: {key: value for key, value in sample.items() if key != "index"}))


class TestInt32(DatasetContract):
    fails = ("test_batches_have_their_keys",)

    def make(self):
        return task(changed(lambda sample: sample | {"input_ids": sample["input_ids"].int()}))


class TestLeftPadded(DatasetContract):
    """Every sample begins with padding."""

    fails = ("test_padding",)

    def make(self):
        pads = {"input_ids": 0, "labels": IGNORE, "tags": 0}
        return task(changed(lambda s: s | {key: torch.cat([torch.tensor([pad]), s[key]]) for key, pad in pads.items()}))


class TestAlwaysWide(DatasetContract):
    """Padded to a width of its own, whatever the batch."""

    fails = ("test_padding", "test_samples_stand_alone")

    def make(self):
        class Wide(Listed):
            def __getitems__(self, items):
                batch = super().__getitems__(items)
                room = {"input_ids": 0, "labels": IGNORE, "tags": 0}
                return batch | {
                    key: torch.cat([batch[key], torch.full((len(items), 9 - batch[key].shape[1]), pad)], dim=1)
                    for key, pad in room.items()
                }

        return task(Wide)


class TestLongerThanItSays(DatasetContract):
    fails = ("test_padding",)

    def make(self):
        class Shorter(Listed):
            max_length = 4

        return task(Shorter)


class TestShiftedLabels(DatasetContract):
    fails = ("test_labels",)

    def make(self):
        return task(changed(lambda sample: sample | {"labels": sample["labels"].roll(-1)}))


class TestLabelsTheFirst(DatasetContract):
    fails = ("test_labels",)

    def make(self):
        return task(changed(lambda sample: sample | {"labels": sample["input_ids"]}))


class TestAnotherSampleAlone(DatasetContract):
    fails = ("test_samples_stand_alone",)

    def make(self):
        class Other(Listed):
            def __getitems__(self, items):
                return collate([Listed.__getitem__(self, (item + 1) % len(self)) for item in items])

        return task(Other)


class TestIndexWithinTheBatch(DatasetContract):
    fails = ("test_samples_stand_alone",)

    def make(self):
        class Counting(Listed):
            def __getitem__(self, item):
                return super().__getitem__(item) | {"index": torch.tensor(0)}

            def __getitems__(self, items):
                return super().__getitems__(items) | {"index": torch.arange(len(items))}

        return task(Counting)


class TestTagWithoutAName(DatasetContract):
    fails = ("test_numbers_have_names",)

    def make(self):
        return replace(task(), tags=("a",))


class TestGroupWithoutAName(DatasetContract):
    fails = ("test_numbers_have_names",)

    def make(self):
        return replace(task(), groups=("train",))


class TestTokenWithoutAName(DatasetContract):
    fails = ("test_numbers_have_names",)

    def make(self):
        return replace(task(), vocabulary=TokenNames(token_to_id={"a": 1, "b": 5}, pad_id=0))


class TestMiscounts(DatasetContract):
    fails = ("test_numbers_have_names",)

    def make(self):
        class More(Listed):
            @property
            def group_sizes(self):
                return {"train": 4}

        return task(More)


class TestFindsOneRow(DatasetContract):
    fails = ("test_numbers_have_names",)

    def make(self):
        class One(Listed):
            def first_rows(self, group, count):
                return super().first_rows(group, 1)

        return task(One)


class TestNumbersEverySetFromZero(DatasetContract):
    fails = ("test_indices_are_apart",)

    def make(self):
        return task(held_out=Listed([OTHER, ANOTHER], group=1))


class TestHeldOutIsTrained(DatasetContract):
    fails = ("test_training_and_evaluation_are_apart",)

    def make(self):
        return task(held_out=Listed([OTHER, MIDDLE], group=1, first=3))


class TestNotesInOneText(DatasetContract):
    fails = ("test_names_are_as_expected",)

    def make(self):
        return replace(task(), notes="one sentence")


class TestFileElsewhere(DatasetContract):
    fails = ("test_names_are_as_expected",)

    def make(self):
        return replace(task(), tokenizer_files={"../tokenizer.json": b"{}"})
