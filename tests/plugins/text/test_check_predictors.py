"""Predictor tokens that see the answer, see nothing, or learn nothing."""

from __future__ import annotations

import pytest

from jepa_core import NewBlock, Part, Views
from jepa_core.verify.row import Verdict
from jepa_plugins.block_causal_mask import BlockCausalMask
from jepa_plugins.last_token import LastToken
from jepa_plugins.text.check_predictors import NOT, SEES, TRAINED
from jepa_plugins.text.prompt_to_answer import prefix_of
from tests.plugins.text.verified import checked, lines, rows


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JEPA_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    "reversal",
    [
        "prompt_to_answer",
        "{name: prompt_to_answer, reverse: true}",
        "{name: prompt_to_answer, rendering: alone}",
        "{name: prompt_to_answer, rendering: alone, reverse: true}",
    ],
)
@pytest.mark.parametrize("layout", ["rows", "packed"])
def test_every_view_of_llm_jepa(tmp_path, reversal, layout):
    overrides = (f"objective.reversal={reversal}", f"objective.layout={layout}", "objective.k=2")
    found = rows(checked(tmp_path, *overrides))
    assert {found[name].verdict for name in (SEES, NOT, TRAINED)} == {Verdict.PASS}, found
    assert found[NOT].figure == 0
    assert found[TRAINED].evidence.startswith("<PRED>, <PRED>: the JEPA loss alone")


class OneTooFar:
    """The source goes on from the first token of the answer."""

    def __call__(self, samples):
        prefix = prefix_of(samples)
        longer = prefix.roll(1, dims=1) | prefix
        return Views(((Part(longer, branch=True), NewBlock(samples.renderings["answer"])),))


def test_a_source_that_begins_the_answer(tmp_path):
    assert lines(checked(tmp_path, reversal=OneTooFar())) == {NOT}


class Blind(BlockCausalMask):
    plain_block_causal = False

    def __call__(self, query, key, layer):
        return super().__call__(query, key, layer) & ~(query.pred & ~key.pred)


def test_predictor_tokens_that_see_themselves_alone(tmp_path):
    assert lines(checked(tmp_path, mask=Blind())) == {SEES}


def test_before_the_source_they_see_nothing_of_it(tmp_path):
    view = "{name: prompt_to_answer, rendering: alone, predictors: before}"
    found = rows(checked(tmp_path, f"objective.reversal={view}"))
    assert found[SEES].verdict is Verdict.NA
    assert found[NOT].verdict is Verdict.PASS


@pytest.mark.parametrize("quick", [True, False])
def test_rows_that_are_frozen(tmp_path, quick):
    context = checked(tmp_path, quick=quick)
    context.objective.model.get_input_embeddings().weight.requires_grad_(False)
    assert lines(context) == {TRAINED}


def test_a_row_that_nobody_reads(tmp_path):
    """The second of two predictor tokens stands behind what is read."""
    last = LastToken(offset=1)
    context = checked(tmp_path, "objective.k=2", "objective.distinct_pred=true", embedding=(last, LastToken()))
    found = rows(context)[TRAINED]
    assert (found.verdict, found.figure) == (Verdict.FAIL, 1)


def test_weights_and_gradients_stay(tmp_path):
    context = checked(tmp_path)
    weight = context.objective.model.get_input_embeddings().weight
    before, place = weight.detach().clone(), weight.data_ptr()
    rows(context)
    assert (weight == before).all()
    assert weight.data_ptr() == place
    assert weight.grad is None


@pytest.mark.parametrize("override", ["objective.k=0", "objective.lambda_jepa=0"])
def test_without_any_there_is_nothing_to_look_at(tmp_path, override):
    found = rows(checked(tmp_path, override))
    assert {found[name].verdict for name in (SEES, NOT, TRAINED)} == {Verdict.NA}
