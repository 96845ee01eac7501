from __future__ import annotations

import json
from pathlib import Path

import pytest

from jepa_core import DataError, DatasetContext, TokenNames
from jepa_plugins.facts.foreign_ids import refuse_foreign_ids
from jepa_plugins.facts.from_words import facts
from jepa_plugins.facts.reversal_curse import reversal_curse
from jepa_plugins.facts.write import write_folder

NAMES = TokenNames(token_to_id={"a": 0, "b": 1, "<pad>": 2}, pad_id=2)
SIZES = {"entities_both_ways": 20, "entities_one_way": 10, "relation_pairs": 1, "name_multiplicity": None}


def run_of(folder: Path, tokens: object) -> str:
    """The path of the model of a run with these tokens."""
    (folder / "run" / "model").mkdir(parents=True)
    (folder / "run" / "vocabulary.json").write_text(json.dumps({"token_to_id": tokens, "pad_id": 2}))
    return "run/model"


def refuse(pretrained: str | None, folder: Path) -> None:
    refuse_foreign_ids(DatasetContext(search=(folder,), pretrained=pretrained), NAMES, "do this")


@pytest.mark.parametrize("tokens", [NAMES.token_to_id, {**NAMES.token_to_id, "<PRED>": 3}])
def test_the_model_of_a_run_with_these_tokens_is_taken(tmp_path, tokens):
    refuse(run_of(tmp_path, tokens), tmp_path)
    refuse(None, tmp_path)


@pytest.mark.parametrize("tokens", [{"a": 1, "b": 0, "<pad>": 2}, {"a": 0, "<pad>": 2}, {}, [], None, "a"])
def test_that_of_a_run_with_others_is_not(tmp_path, tokens):
    with pytest.raises(DataError, match=r"model\.pretrained: run/model has tokens of its own.* or do this; "):
        refuse(run_of(tmp_path, tokens), tmp_path)


def test_an_id_of_the_hub_and_a_folder_without_a_run_are_not(tmp_path):
    (tmp_path / "alone").mkdir()
    for name in ("gpt2", "openai-community/gpt2", "alone"):
        with pytest.raises(DataError, match="has tokens of its own"):
            refuse(name, tmp_path)


def test_a_folder_that_is_gone_is_the_models_matter(tmp_path):
    refuse(str(tmp_path / "gone"), tmp_path)


def test_facts_that_are_made_up_refuse_it_and_facts_that_are_read_do_not(tmp_path):
    context = DatasetContext(search=(tmp_path,), pretrained="gpt2")
    with pytest.raises(DataError, match=r"gpt2 has tokens of its own.*data\.path, a folder of facts in its token ids"):
        reversal_curse(context, **SIZES)
    write_folder(reversal_curse(DatasetContext(), **SIZES), tmp_path / "task")
    assert len(reversal_curse(context, path="task").train)


def test_words_that_become_tokens_refuse_it(tmp_path):
    (tmp_path / "facts.jsonl").write_text(
        "".join(json.dumps({"head": f"a{i}", "relation": "has", "tail": f"b{i}"}) + "\n" for i in range(12))
    )
    (tmp_path / "relations.yaml").write_text("inverse_pairs: [[has, is of]]\n")
    files = {"path": "facts.jsonl", "relations": "relations.yaml"}
    with pytest.raises(DataError, match=r"gpt2 has tokens of its own.*or data.tokenizer: gpt2"):
        facts(DatasetContext(search=(tmp_path,), pretrained="gpt2"), **files)
    assert len(facts(DatasetContext(search=(tmp_path,)), **files).train)
