"""Questions in text: tokens as in training, and answers as the model writes them."""

from __future__ import annotations

import pytest

import jepa_core
from jepa_core import DataError, Manner
from jepa_core.model.tokenizer import tokenizer_from
from jepa_plugins.text.generation import generate
from jepa_plugins.text.generation_evaluation import last_answer

from .pairs_recipe import PAIRS, REGISTRY, pairs_recipe


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return jepa_core.build(pairs_recipe(tmp_path_factory.mktemp("ask")), registry=REGISTRY, device="cpu")


def trained_prompts(run) -> list[list[int]]:
    batch = run.data.train.__getitems__(range(len(PAIRS)))
    rows = zip(batch["input_ids"].tolist(), batch["tags"].tolist(), strict=True)
    return [ids[: last_answer(tags)[0]] for ids, tags in rows]


def test_a_question_is_the_tokens_that_training_had_before_the_answer(run, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "jepa_plugins.text.ask.generate", lambda model, prompts, *rest, **more: seen.extend(prompts) or []
    )
    with pytest.raises(ValueError, match="zip"):  # nothing was written
        run.data.ask(run.data, run.objective, Manner())([asked for asked, _ in PAIRS])
    assert seen == trained_prompts(run)


def test_the_answer_is_what_the_model_writes(run):
    (answer,) = run.data.ask(run.data, run.objective, Manner(max_new_tokens=3))([PAIRS[0][0]])
    (written,) = generate(run.objective.model, trained_prompts(run)[:1], [], 3, never=run.data.vocabulary.pred_ids)
    assert not written.stopped
    assert answer.found[0].text == tokenizer_from(run.data.tokenizer_files).decode(written.ids) != ""
    assert (answer.found[0].rank, answer.found[0].note) == (None, "cut off after 3 tokens")


def test_an_empty_question_is_refused(run):
    with pytest.raises(DataError, match="it is empty"):
        run.data.ask(run.data, run.objective, Manner())([" "])
