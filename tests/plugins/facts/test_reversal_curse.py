from __future__ import annotations

import inspect
from dataclasses import asdict

import pytest

from jepa_core.contexts import DatasetContext
from jepa_core.errors import DataError
from jepa_core.registry import Registry
from jepa_core.testing import DatasetContract
from jepa_plugins.facts.generate import generate_task
from jepa_plugins.facts.pack import pack_folder
from jepa_plugins.facts.reversal_curse import reversal_curse
from jepa_plugins.facts.store_set import PackedSet
from jepa_plugins.facts.task_size import TaskSize
from jepa_plugins.facts.write import write_folder
from tests.plugins.facts.specimen import contents, same_task, write

SIZES = {"entities_both_ways": 20, "entities_one_way": 10, "relation_pairs": 2, "name_multiplicity": 5}


class TestGeneratedContract(DatasetContract):
    def make(self):
        return reversal_curse(DatasetContext(k=1), **SIZES)


class TestReadContract(DatasetContract):
    @pytest.fixture(autouse=True)
    def written(self, folder):
        self.folder = folder

    def make(self):
        return reversal_curse(DatasetContext(k=1), path=str(self.folder))


class TestPackedContract(DatasetContract):
    @pytest.fixture(autouse=True)
    def packed(self, folder, tmp_path):
        pack_folder(folder, tmp_path / "packed")
        self.folder = tmp_path / "packed"

    def make(self):
        return reversal_curse(DatasetContext(k=1), path=str(self.folder))


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "task", contents())


def test_generated_and_written_and_read_are_the_same_task(tmp_path):
    write_folder(generate_task(TaskSize(**SIZES), seed=5), tmp_path / "task")
    context = DatasetContext(k=1, search=(tmp_path,))
    assert same_task(reversal_curse(context, path="task"), reversal_curse(context, seed=5, **SIZES))


def test_without_a_seed_the_recipes_seed_decides():
    by_recipe, by_option = DatasetContext(seed=4), DatasetContext(seed=9)
    assert same_task(reversal_curse(by_recipe, **SIZES), reversal_curse(by_option, seed=4, **SIZES))
    assert not same_task(reversal_curse(by_recipe, **SIZES), reversal_curse(by_option, **SIZES))


def test_the_default_task_is_small():
    task = reversal_curse(DatasetContext())
    assert (len(task.train), len(task.evaluation["test"]), task.vocabulary.size) == (2200, 200, 2 * 120 + 7)


@pytest.mark.parametrize(("k", "distinct", "pred_ids"), [(0, False, ()), (3, False, (13,)), (2, True, (13, 14))])
def test_predictors_are_added_where_the_file_has_none(folder, k, distinct, pred_ids):
    vocabulary = reversal_curse(DatasetContext(k=k, distinct_pred=distinct), path=str(folder)).vocabulary
    assert vocabulary.pred_ids == pred_ids
    assert vocabulary.size == 13 + len(pred_ids)


def test_a_predictor_in_the_file_is_used(folder):
    write(folder, {"vocab.json": {**contents()["vocab.json"], "<PRED>": 20}})
    assert reversal_curse(DatasetContext(k=0), path=str(folder)).vocabulary.pred_ids == ()
    assert reversal_curse(DatasetContext(k=2), path=str(folder)).vocabulary.pred_ids == (20,)


@pytest.mark.parametrize("option", [{"seed": 3}, *({name: 4} for name in asdict(TaskSize()))])
def test_options_for_generating_are_refused_with_a_path(folder, option):
    with pytest.raises(DataError, match=f"^{next(iter(option))}: has no effect on data read from '.*task'"):
        reversal_curse(DatasetContext(), path=str(folder), **option)


def test_defaults_written_out_are_fine_with_a_path(folder):
    """A resolved recipe has every option in it, and must run again."""
    defaults = {
        name: p.default for name, p in inspect.signature(reversal_curse).parameters.items() if name != "context"
    }
    assert len(reversal_curse(DatasetContext(), **{**defaults, "path": str(folder)}).train) == 3


def test_a_file_of_relations_goes_with_a_path_only(folder, tmp_path):
    with pytest.raises(DataError, match=r"^relations: has no effect on generated data"):
        reversal_curse(DatasetContext(), relations="relations.yaml")
    (tmp_path / "relations.yaml").write_text("symmetric: [r, r_inv]")
    task = reversal_curse(DatasetContext(search=(tmp_path,)), path="task", relations="relations.yaml")
    assert task.vocabulary.inverse_ids == (10, 11)


def test_a_packed_folder_stays_on_disk(folder, tmp_path):
    pack_folder(folder, tmp_path / "packed")
    context = DatasetContext(k=1, search=(tmp_path,))
    packed, task = reversal_curse(context, path="packed"), reversal_curse(context, path="task")
    assert isinstance(packed.train, PackedSet)
    assert packed.vocabulary == task.vocabulary
    assert (
        packed.train.__getitems__([2, 0])["input_ids"].tolist() == task.train.__getitems__([2, 0])["input_ids"].tolist()
    )
    (tmp_path / "relations.yaml").write_text("symmetric: [r, r_inv]")
    with pytest.raises(DataError, match=r"relations: has no effect on '.*packed', a packed task"):
        reversal_curse(context, path="packed", relations="relations.yaml")
    (tmp_path / "packed" / "manifest.json").unlink()
    with pytest.raises(DataError, match=r"manifest.json: is missing"):
        reversal_curse(context, path="packed")


def test_by_its_name(folder):
    task = Registry.discover().create("dataset", "reversal_curse", context=DatasetContext(k=1), path=str(folder))
    assert list(task.evaluation) == ["train", "atomic", "test"]
    with pytest.raises(DataError, match="nowhere: not found"):
        reversal_curse(DatasetContext(), path="nowhere")
