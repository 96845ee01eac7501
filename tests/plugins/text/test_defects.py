"""The seven defects of the public code (docs/LLM_JEPA.md) that runs of ours do not have.

Each check is red on something that has the defect: test_public_defects.py.
"""

from __future__ import annotations

import sqlite3

import pytest
from safetensors.torch import load_file

import jepa_core
from jepa_plugins.text.scoring.sql_execution import SqlExecution
from jepa_plugins.text.tags import Tag
from tests.plugins.text import public_defects as defects
from tests.plugins.text.pairs_recipe import REGISTRY, pairs_recipe
from tests.plugins.text.verified import with_tokenizer
from tests.tiny_lora import adapting, pretrained


@pytest.fixture(scope="module")
def make(tmp_path_factory):
    """A recipe over a chat tokenizer whose end of a turn is its end of text, and pads."""
    folder = tmp_path_factory.mktemp("ours")
    own = with_tokenizer(folder, eos_token="<|im_end|>")
    return lambda *overrides: pairs_recipe(folder, *own, *overrides)


@pytest.fixture(scope="module")
def ours(make):
    return jepa_core.build(make(), REGISTRY, "cpu")


@pytest.fixture(scope="module")
def batch(ours):
    """All samples, of unlike length."""
    batch = ours.train_dataset.__getitems__(range(len(ours.train_dataset)))
    end = batch["input_ids"][batch["tags"] == Tag.END][0]
    assert (batch["input_ids"][batch["tags"] == 0] == end).any(), "the end pads"
    return batch


def test_1_the_end_of_an_answer_is_never_trained(batch):
    defects.ends_are_labelled(batch, Tag.END)


def test_2_prompts_are_trained(batch):
    defects.prompts_are_not_labelled(batch, {Tag.ASSISTANT, Tag.END})


@pytest.mark.parametrize("parts", [2, 3, 7])
def test_3_the_jepa_gradient_grows_with_accumulation(ours, parts):
    defects.parts_add_up_to_the_step(ours, range(len(ours.train_dataset)), parts)


def test_4_lambda_0_is_not_the_baseline(make):
    """Weight 0 leaves the same weights whatever the views are, which nothing makes."""
    ways = (
        ("objective.lambda_jepa=0", "objective.k=2", "output_dir=FOLDER/zero"),
        ("objective={k: 2, lambda_jepa: 0, filters: [], reversal: tube}", "output_dir=FOLDER/none"),
    )
    results = [jepa_core.run(make(*way), registry=REGISTRY, device="cpu", say=lambda message: None) for way in ways]
    defects.weight_zero_is_the_baseline(*(load_file(each.output_dir / "model/model.safetensors") for each in results))


def test_5_lora_freezes_predictor_tokens(tmp_path):
    base, known = pretrained(tmp_path / "base")
    run = jepa_core.build(adapting(tmp_path, base), REGISTRY, "cpu")
    assert len(run.vocabulary.pred_ids) == 2
    defects.predictors_are_trained(run, range(len(run.train_dataset)), run.vocabulary.pred_ids, known=known - 1)


def test_6_loss_dropout_drops_nothing_in_one_layout(make):
    def built(layout, rate):
        filters = f"objective.filters=[{{name: loss_dropout, rate: {rate}}}]"
        run = jepa_core.build(make(f"objective.layout={layout}", filters), REGISTRY, "cpu")
        run.objective.train()
        return run

    defects.dropout_drops_in_each_layout(built, ["packed", "rows"], range(7))


def test_7_a_scorer_does_something_else_in_silence(tmp_path):
    defects.scorers_do_what_their_names_say()
    with sqlite3.connect(tmp_path / "ship.sqlite") as made:
        made.execute("create table t as select 5 as crew")
    made.close()
    score = SqlExecution(str(tmp_path / "ship.sqlite"))
    nothing = "select crew from t where crew > 9"
    assert score("select crew from t", "select 5", "")
    assert not score("select crew frm t", nothing, ""), "a query that fails prints nothing, too"
    assert not score("select crew from t where 0", nothing, "")
