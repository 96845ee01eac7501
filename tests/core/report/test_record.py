"""Reading a run's folder, and telling runs apart."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from jepa_core.errors import JepaError
from jepa_core.recipe.resolve import dump_yaml
from jepa_core.recipe.strict_yaml import load_yaml
from jepa_core.report.record import differing, read_records, short_names
from tests.core.report.folders import METRICS, make_run, record


def test_a_finished_run(tmp_path):
    run = record(tmp_path / "a")
    assert (run.name, run.state, run.metrics) == ("a", "finished", METRICS)
    assert run.splits == ["train", "atomic", "test"]
    assert run.captions == {"test": "what was never read"}
    assert "resolved" not in run.recipe
    assert run.made_with["versions"]["torch"] == "2.13.0"
    assert run.text == (tmp_path / "a" / "recipe.resolved.yaml").read_text(encoding="utf-8")


def test_the_recipe_s_own_choice_of_splits_comes_first(tmp_path):
    assert record(tmp_path / "a", "evaluation.splits=[test]").splits == ["test"]


@pytest.mark.parametrize(
    ("overrides", "state"),
    [
        ([], "unfinished, at step 4 of 4"),
        (["training.max_steps=null", "training.num_train_epochs=2"], "unfinished, at step 4"),
    ],
)
def test_an_unfinished_run(tmp_path, overrides, state):
    run = record(tmp_path / "a", *overrides, metrics=None, weights=None)
    assert (run.state, run.metrics) == (state, None)


def test_recipes_are_compared_by_key(tmp_path):
    options = {"weights": None}
    paths = [
        make_run(tmp_path / "a", **options),
        make_run(tmp_path / "b", "objective.k=2", "description=Other.", "objective.distance=l2", **options),
        make_run(tmp_path / "c", "objective.filters.1.rate=0.5", **options),
    ]
    assert differing(read_records(paths)) == {
        "objective.k": ["1", "2", "1"],
        "objective.distance": ["{name: cosine, eps: 1.0e-08}", "l2", "{name: cosine, eps: 1.0e-08}"],
        "objective.filters.1.rate": ["0.0", "0.0", "0.5"],
    }
    assert differing(read_records(paths[:1])) == {}


def test_a_key_that_one_recipe_lacks(tmp_path):
    a = make_run(tmp_path / "a", weights=None)
    b = make_run(tmp_path / "b", "model.config.n_inner=8", weights=None)
    assert differing(read_records([a, b])) == {"model.config.n_inner": ["–", "8"]}


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["runs/a"], ["a"]),
        (["runs/a", "runs/b"], ["a", "b"]),
        (["one/a", "two/a", "two/b"], ["one/a", "two/a", "two/b"]),
    ],
)
def test_names_are_as_short_as_they_can_be(paths, names):
    assert short_names([Path(path) for path in paths]) == names


def test_one_folder_given_twice_is_one_run(tmp_path, monkeypatch):
    make_run(tmp_path / "a", weights=None)
    monkeypatch.chdir(tmp_path)
    assert len(read_records([Path("a"), tmp_path / "a", Path("a/../a")])) == 1


class TestRefused:
    def test_no_folder(self, tmp_path):
        with pytest.raises(JepaError, match="nothing: no such folder"):
            read_records([tmp_path / "nothing"])

    def test_another_folder(self, tmp_path):
        with pytest.raises(JepaError, match=r"holds no run \(there is no recipe.resolved.yaml\)"):
            read_records([tmp_path])

    @pytest.mark.parametrize("text", ["seed: 1\n", "[]\n", "resolved: {versions: {}}\nevaluation: 1\n"])
    def test_something_else_by_that_name(self, tmp_path, text):
        (tmp_path / "recipe.resolved.yaml").write_text(text)
        with pytest.raises(JepaError, match=r"recipe\.resolved\.yaml: not the resolved recipe of a run"):
            read_records([tmp_path])

    def test_a_damaged_recipe(self, tmp_path):
        (tmp_path / "recipe.resolved.yaml").write_text("seed: 1\nmodel: {\n")
        with pytest.raises(JepaError, match=r"recipe\.resolved\.yaml:\d"):
            read_records([tmp_path])


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    return make_run(tmp_path_factory.mktemp("whole") / "a", weights=None)


class TestDamage:
    """Files that are no longer, or never were, what a run wrote: one line that names the file."""

    @pytest.fixture
    def run(self, whole, tmp_path) -> Path:
        return Path(shutil.copytree(whole, tmp_path / "a"))

    def refused(self, run: Path, words: str) -> None:
        with pytest.raises(JepaError, match=words) as caught:
            read_records([run])
        assert "\n" not in str(caught.value)
        assert len(str(caught.value)) < 400

    @pytest.mark.parametrize(
        "text",
        [
            *('"x"', '{"train": {"mrr": "x"}}', "[" * 100_000, "", "{", "\xff", '{"train": {"layers": 5}}'),
            *('{"train": {"layers": {"x": {}}}}', '{"train": {"layers": {"0": {"mrr": "x"}}}}'),
        ],
    )
    def test_of_the_metrics(self, run, text):
        (run / "metrics.json").write_text(text)
        self.refused(run, r"metrics\.json: ")

    @pytest.mark.parametrize(
        ("key", "value"),
        [
            ("resolved.versions.torch", [1]),
            ("resolved.versions", "x"),
            ("resolved.plugins", {"a": 1}),
            ("resolved.git_revision", {}),
            ("resolved.captions", ["x"]),
            ("resolved.sets", [1]),
            ("resolved", None),
            ("evaluation.splits", "train"),
            ("evaluation.splits", [[]]),
            ("training.max_steps", "x"),
            ("training", []),
            ("description", 3),
        ],
    )
    def test_of_the_recipe(self, run, key, value):
        data = load_yaml(run / "recipe.resolved.yaml").data
        *sections, last = key.split(".")
        place = data
        for section in sections:
            place = place[section]
        place[last] = value
        (run / "recipe.resolved.yaml").write_text(dump_yaml(data))
        self.refused(run, r"recipe\.resolved\.yaml: ")

    @pytest.mark.parametrize("name", ["metrics.json", "metrics.jsonl", "recipe.resolved.yaml", "vocabulary.json"])
    def test_a_link_that_leads_out(self, run, name):
        (run / name).rename(run.parent / "moved")
        (run / name).symlink_to("../moved")
        self.refused(run, rf"{name}: a link that leads out of the run's folder; it is not followed")

    def test_a_pipe(self, run):
        (run / "metrics.jsonl").unlink()
        os.mkfifo(run / "metrics.jsonl")
        self.refused(run, r"metrics\.jsonl: not a regular file")
