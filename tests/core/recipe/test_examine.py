"""The quick check of recipes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from jepa_core.contexts import DataPath, OnDisk
from jepa_core.errors import RecipeError
from jepa_core.recipe.examine import examine, marked_paths
from jepa_core.recipe.load import load_recipe
from jepa_core.recipe.sources import shipped_recipes
from jepa_core.registry.outline import Outline
from tests.core.recipe.test_model_folder import model as a_model
from tests.tiny_runs import REGISTRY


@pytest.fixture(scope="module")
def outline() -> Outline:
    return Outline()


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def problems(outline: Outline, *overrides: str, recipe: str = "cosine_k1") -> list[str]:
    with pytest.raises(RecipeError) as error:
        examine(recipe, overrides, outline)
    return [f"{problem.key}: {problem.message}" for problem in error.value.problems]


def test_all_at_once(outline):
    found = problems(
        outline,
        "data.path=nowhere",
        "evaluation.splits=[train,dev]",
        "training.report_to=[wandb]",
        "objective.filters=[{name: loss_dropout, rate: 1.5}]",
        "objective.distance={name: cosine, epss: 1}",
        "model.config.n_lyer=2",
        "objective.k=two",
    )
    assert found == [
        "objective.k: expected a whole number, not the text 'two'",
        "objective.distance.epss: unknown option of 'cosine' (from jepa-core); did you mean 'eps'?",
        "objective.filters.0.rate: expected a number at most 1.0, not 1.5",
        "model.config.n_lyer: unknown key of a gpt2 configuration; did you mean 'n_layer'?",
        f"data.path: nowhere: not found (looked for nowhere, {shipped_recipes()['cosine_k1'].parent / 'nowhere'})",
        "evaluation.splits.1: 'reversal_curse' has no split 'dev'; it has train, atomic, test",
        "training.report_to.0: the package 'wandb' is not installed: pip install wandb, or leave it out",
    ]


def test_all_at_once_where_a_name_is_missing_or_misspelt(outline, tmp_path):
    recipe = tmp_path / "own.yaml"
    recipe.write_text("data: {path: nowhere}\nevaluation: {splits: [train, dev]}\n")
    assert [words.split(" (")[0] for words in problems(outline, recipe=str(recipe))] == [
        "data.name: is missing",
        "data.path: nowhere: not found",
        "evaluation.splits.1: 'facts' or 'reversal_curse' has no split 'dev'; it has train, atomic, test",
    ]
    recipe.write_text(
        "data: {name: mesages, train: no.jsonl, chat: 1, evaluation: {test: no.jsonl}}\nevaluation: {splits: [tset]}\n"
    )
    assert [words.split(" (")[0] for words in problems(outline, recipe=str(recipe))] == [
        "data.name: no dataset is called 'mesages'; did you mean 'messages'?",
        "data.chat: unknown option of 'messages'",
        "data.train: no.jsonl: not found",
        "data.evaluation.test: no.jsonl: not found",
        "evaluation.splits.0: 'messages' has no split 'tset'; did you mean 'test'?",
    ]


def test_what_is_there_is_fine(outline):
    Path("pairs.jsonl").write_text(json.dumps({"prompt": "a", "completion": "b"}))
    overrides = ["data.train=pairs.jsonl", "data.evaluation.test=pairs.jsonl", "evaluation.splits=[test]"]
    assert examine("regex_jepa", overrides, outline).data.name == "messages"
    assert problems(outline, *overrides[:2], "evaluation.splits=[tset]", recipe="regex_jepa") == [
        "evaluation.splits.0: 'messages' has no split 'tset'; did you mean 'test'?"
    ]
    assert problems(outline, "data.evaluation.test=no.jsonl", recipe="regex_jepa")[0].startswith(
        "data.evaluation.test: no.jsonl: not found (looked for no.jsonl"
    )


def test_beside_the_recipe(outline, tmp_path):
    (tmp_path / "mine").mkdir()
    a_model(tmp_path / "mine" / "there")
    recipe = tmp_path / "mine" / "own.yaml"
    recipe.write_text("data: {name: reversal_curse, path: there}\n")
    examine(recipe, [], outline)
    recipe.write_text("model: {pretrained: ./there}\n")
    examine(recipe, [], outline)
    (tmp_path / "mine" / "there" / "model.safetensors").unlink()
    assert problems(outline, recipe=str(recipe)) == [
        f"model.pretrained: {tmp_path / 'mine' / 'there'}: has no weights (model.safetensors)"
    ]
    recipe.write_text("model: {config: ./there}\n")
    examine(recipe, [], outline)
    recipe.write_text("model: {pretrained: ./not_there}\n")
    assert problems(outline, recipe=str(recipe))[0].startswith("model.pretrained: ./not_there: not found")


@pytest.mark.parametrize("recipe", sorted(shipped_recipes()))
def test_shipped_recipes_are_read_as_when_they_run(recipe, outline):
    try:
        quick = examine(recipe, [], outline)
    except RecipeError as error:
        assert {problem.message.rpartition(": not found")[0] for problem in error.problems} <= {
            "pairs/train.jsonl",
            "pairs/test.jsonl",
            "talks/train.jsonl",
        }
        return
    assert quick.model_dump() == load_recipe(recipe, registry=REGISTRY).model_dump()
    assert outline.doubts == []


def test_older_keys_are_understood(outline):
    old = [
        "objective.stop_gradient=target",
        "evaluation.concepts=true",
        "objective.embedding={name: last_token, role: mask}",
    ]
    quick, full = examine("cosine_k1", old, outline), load_recipe("cosine_k1", old, REGISTRY)
    assert quick.model_dump() == full.model_dump()
    assert quick.older == full.older


def test_neither_torch_nor_transformers_is_imported():
    """The command itself checks, in a process of its own."""
    code = (
        "import sys\nfrom jepa_core.cli.main import app\n"
        "try:\n    app(['validate', *sys.argv[1:]], prog_name='jepa-run')\n"
        "except SystemExit as end:\n    print(end.code, sorted({'torch', 'transformers', 'numpy'} & set(sys.modules)))\n"
    )
    for arguments, expected in ((["cosine_k1"], "0 []"), (["regex_jepa", "objective.distance.epss=1"], "2 []")):
        done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == expected, done.stderr


def test_paths_in_types():
    value = {"test": "a.jsonl", "more": "b.jsonl"}
    found = [(place, text) for place, _, text in marked_paths(dict[str, DataPath] | None, value)]
    assert found == [(("test",), "a.jsonl"), (("more",), "b.jsonl")]
    assert list(marked_paths(str | None, "a.jsonl")) == []
    assert [text for _, _, text in marked_paths(DataPath | dict[str, str] | None, "a")] == ["a"]
    assert list(marked_paths(DataPath | None, 3)) == []


def test_what_may_be_an_id_is_not_looked_for(tmp_path):
    here = (tmp_path,)
    assert OnDisk(or_id=True).problem("org/name", here) == ""
    assert OnDisk(or_id=True).problem("org/name:config", here) == ""
    assert "not found" in OnDisk(or_id=True).problem("org/name.jsonl", here)
    assert "not found" in OnDisk(or_id=True).problem("./name", here)
    assert "not found" in OnDisk().problem("org/name", here)
    assert OnDisk(besides=("plain",)).problem("plain", here) == ""
