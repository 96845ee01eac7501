"""Tasks that break one clause each are named; those that keep all pass."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from jepa_core.contracts.broken import Broken
from jepa_core.contracts.task import check_names, check_task
from jepa_core.samples.token_names import TokenNames
from tests.core.testing.dataset_specimens import LONG, MIDDLE, SHORT, VOCABULARY, Listed, task


def test_a_good_task_passes():
    check_task(task(), 0)
    check_task(replace(task(), evaluation={}), 0)
    none = Set(__len__=lambda: 0, samples=[], groups=[], max_length=0)
    check_task(replace(task(), evaluation={"none": none}), 0)
    check_task(replace(task(), vocabulary=VOCABULARY.with_predictors(3, distinct=True)), 3)


def vocabulary(**changed: object) -> TokenNames:
    return TokenNames(**({"token_to_id": VOCABULARY.token_to_id, "pad_id": 0} | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("evaluation", None),
        ("evaluation", [task().train]),
        ("evaluation", {"a/b": task().train}),
        ("evaluation", {"": task().train}),
        ("evaluation", {5: task().train}),
        ("vocabulary", {"a": 1}),
        ("vocabulary", vocabulary(token_to_id={})),
        ("vocabulary", vocabulary(token_to_id={"a": "0"})),
        ("vocabulary", vocabulary(token_to_id={"a": -1, "b": 3})),
        ("vocabulary", vocabulary(pad_id=None)),
        ("vocabulary", vocabulary(pad_id=99)),
        ("vocabulary", vocabulary(pred_ids=(99,))),
        ("tags", None),
        ("tags", "ab"),
        ("tags", ("a", "a")),
        ("groups", ("train", 1)),
        ("notes", 5),
        ("notes", "one sentence"),
        ("captions", ["a"]),
        ("checks", {"c": 5}),
        ("tokenizer_files", {"../x": b""}),
        ("tokenizer_files", {"tokenizer.json": 5}),
        ("tokenizer_files", {"model.safetensors": b""}),
        ("candidates", 5),
    ],
)
def test_a_field_of_another_type_is_named(field, value):
    with pytest.raises(Broken, match=f"^{field} = .*: expected "):
        check_names(replace(task(), **{field: value}))


def test_predictor_tokens_that_are_missing():
    """Else a recipe would train with k = 0 in silence."""
    with pytest.raises(
        Broken, match=r"its vocabulary has 0 predictor tokens, and the recipe asks for 1: vocabulary.with"
    ):
        check_task(task(), 1)


def test_what_is_no_task():
    with pytest.raises(Broken, match="it returns NoneType, not TaskData"):
        check_task(None, 0)


class Set(Listed):
    """Three samples, with whatever a test gives it."""

    def __init__(self, **changed: object):
        super().__init__([SHORT, MIDDLE, LONG])
        self.changed = changed

    def __getattribute__(self, name: str):
        changed = object.__getattribute__(self, "__dict__").get("changed", {})
        return changed[name] if name in changed else super().__getattribute__(name)


def batches(**changed: object):
    """A set whose batches have these keys instead."""

    def made(items: list[int]):
        return Listed([SHORT, MIDDLE, LONG]).__getitems__(items) | changed

    return Set(__getitems__=made)


@pytest.mark.parametrize(
    ("data_set", "words"),
    [
        (None, "fails: AttributeError"),
        ([1, 2], "fails: AttributeError"),
        (Set(max_length=None), "max_length = None: expected a number of tokens"),
        (Set(max_length=3), "max_length is 3, and a sample has 4 tokens"),
        (Set(group_sizes=None), "group_sizes = None: expected group -> count, 3 samples in all"),
        (Set(group_sizes={"train": 600}), "expected group -> count, 3 samples in all"),
        (Set(group_sizes={"nope": 3}), "group_sizes has 'nope', and the groups are train, test"),
        (Set(first_rows=lambda group, count: torch.arange(0)), r"first_rows\('train', 2\) gives 0 of 3 samples"),
        (Set(__getitems__=lambda items: 1 / 0), "fails: ZeroDivisionError"),
        (Set(__getitems__=lambda items: None), "a batch is a NoneType"),
        (batches(labels=None), "labels is a NoneType"),
        (batches(words=["a", "b"]), "words is a list, not a tensor"),
        (batches(labels=torch.full((2, 4), 5)), "a label is not the token it stands at"),
        (batches(index=torch.ones(2)), "index is torch.float32"),
        (batches(group=torch.tensor([0, 7])), "group has 7"),
        (batches(tags=torch.tensor([[1, 1, 2, 2], [1, 1, 2, 9]])), "tags has 9, and there are 2"),
        (batches(input_ids=torch.full((2, 4), 99)), "input_ids has 99, and the model knows 0 to 11"),
    ],
)
def test_what_is_wrong_with_a_set_is_told_with_its_name(data_set, words):
    with pytest.raises(Broken, match=f"^the training set: .*{words}"):
        check_task(replace(task(), train=data_set), 0)
    with pytest.raises(Broken, match=f"^set 'test': .*{words}"):
        check_task(replace(task(), evaluation={"test": data_set}), 0)


def test_nothing_to_train_on():
    with pytest.raises(Broken, match="the training set is empty"):
        check_task(replace(task(), train=Set(__len__=lambda: 0, samples=[], groups=[], max_length=0)), 0)
