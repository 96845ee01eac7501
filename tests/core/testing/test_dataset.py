"""DatasetContract passes what is right and names the clause that each wrong dataset breaks."""

import pytest

from . import dataset_specimens
from .specimens import check, specimens


@pytest.mark.parametrize("specimen", specimens(dataset_specimens), ids=lambda s: s.__name__)
def test_exactly_the_broken_clauses_fail(failures, specimen):
    check(failures, specimen)


@pytest.mark.parametrize(
    ("name", "test", "message"),
    [
        ("TestNoTaskData", "test_returns_task_data", "returned dict; build a jepa_core.TaskData"),
        ("TestNoIndex", "test_batches_have_their_keys", "the training set: a batch has no 'index'"),
        ("TestInt32", "test_batches_have_their_keys", "input_ids is torch.int32, not int64"),
        ("TestLeftPadded", "test_padding", "padding before a real token"),
        ("TestAlwaysWide", "test_padding", "padded beyond its longest sample"),
        ("TestLongerThanItSays", "test_padding", "max_length is too small"),
        ("TestShiftedLabels", "test_labels", "a label is not its token"),
        ("TestLabelsTheFirst", "test_labels", "first token has a label, and nothing predicts it"),
        ("TestTagWithoutAName", "test_numbers_have_names", "a tag has no name"),
        ("TestMiscounts", "test_numbers_have_names", "group_sizes do not add up"),
        ("TestNumbersEverySetFromZero", "test_indices_are_apart", "two samples have one index"),
        ("TestHeldOutIsTrained", "test_training_and_evaluation_are_apart", "1 samples of set 'test' stand in the tr"),
    ],
)
def test_the_message_helps(failures, name, test, message):
    assert message in failures.failed[name][test]
