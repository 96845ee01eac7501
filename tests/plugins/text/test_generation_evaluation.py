"""A run that learns five pairs by heart writes them; one that has learned nothing does not."""

from __future__ import annotations

import json

import pytest

import jepa_core
from jepa_core import ComponentError
from jepa_core.registry import Registry
from jepa_core.testing import EvaluationContract
from jepa_plugins.text.generation_evaluation import generation, generation_examples, generation_table, last_answer

REGISTRY = Registry.discover()
PAIRS = [("ab", "b+"), ("cd", "d*"), ("ef", "e|f"), ("gh", "g"), ("ij", "[ij]")]


def recipe(folder, *overrides: str):
    lines = [
        {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": said}]}
        for asked, said in PAIRS
    ]
    (folder / "pairs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return jepa_core.load_recipe(
        "cosine_k1",
        overrides=[
            f"output_dir={folder / 'run'}",
            f"data={{name: messages, train: {folder / 'pairs.jsonl'}, evaluation: {{again: {folder / 'pairs.jsonl'}}}, "
            "template: plain, tokenizer: {train: bytes}}",
            "model.config={model_type: gpt2, n_layer: 1, n_embd: 32, n_head: 2, n_positions: 32}",
            "objective={k: 1, reversal: prompt_to_answer, filters: [], lambda_jepa: 0.1}",
            "training={max_steps: 60, per_device_train_batch_size: 5, learning_rate: 1e-2, save_steps: null}",
            "evaluation={also: [{name: generation, scorer: regex_equivalence, max_new_tokens: 8, examples: 2}]}",
            *overrides,
        ],
        registry=REGISTRY,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("generation")


@pytest.fixture(scope="module")
def untrained(folder):
    return jepa_core.build(recipe(folder), registry=REGISTRY, device="cpu")


@pytest.fixture(scope="module")
def trained(folder):
    return jepa_core.run(recipe(folder), registry=REGISTRY, device="cpu", say=lambda message: None).metrics["again"]


def context(run):
    return jepa_core.EvaluationContext(run.objective, run.data)


class TestContract(EvaluationContract):
    @pytest.fixture(autouse=True)
    def _run(self, untrained):
        self.run = untrained

    def make(self):
        return generation(context(self.run), max_new_tokens=4)

    def sample_set(self):
        return self.run.eval_datasets["again"]


def test_what_was_learned_is_written(trained):
    assert trained["generated_exact"] == 1
    assert trained["generated_regex_equivalence"] == 1
    assert trained["generated_content_and_stopped"] == trained["generated_stopped"] == 1
    assert trained["generated_length_ratio"] == 1
    shown = trained["generated_examples"]
    assert [(line["prompt"], line["expected"], line["text"]) for line in shown] == [
        ("ab\n", "b+", "b+"),
        ("cd\n", "d*", "d*"),
    ]


def test_what_was_not_is_not(untrained):
    found = generation(context(untrained), max_new_tokens=8)("again", untrained.eval_datasets["again"], 2)
    assert found["generated_exact"] == 0
    assert [line["kind"] for line in found["generated_examples"]] == ["wrong"] * 5
    limited = generation(context(untrained), max_new_tokens=8, limit=3)
    assert len(list(limited.questions(untrained.eval_datasets["again"], 2))) == 3


def test_predictor_tokens_are_never_written(untrained):
    made = generation(context(untrained))
    assert set(untrained.data.vocabulary.pred_ids) <= set(made.never)
    assert len(made.ends) == 1


def test_special_tokens_are_shown(untrained):
    """A marker that a model writes inside of its answer makes it another: it is not left out."""
    made = generation(context(untrained))
    ids = untrained.data.vocabulary.token_to_id
    assert made.decode([ids["a"], made.ends[0], ids["b"]]) == "a<|end|>b"


def test_where_the_last_answer_is():
    assert last_answer([4, 2, 3, 3, 5]) == (2, 4)
    assert last_answer([4, 2, 4, 3, 5, 5, 4, 0]) == (3, 4)
    assert last_answer([2, 3, 5, 2, 3, 3]) == (4, 6), "cut off without an end"


def test_right_and_wrong_answers_are_shown():
    case = {"prompt": "ab\ncd\n", "expected": "x", "text": "y" * 200, "stopped": False, "why": ""}
    cases = [case | {"kind": "wrong"}] * 3 + [case | {"kind": "right", "text": "x", "stopped": True, "why": "by luck"}]
    columns, rows = generation_examples({"a": {"generated_examples": cases}, "b": {"mrr": 1.0}}, 2)
    assert columns == ["set", "answer is", "asked", "expected", "answered", "why"]
    assert rows[2] == ["a", "right", "ab ⏎ cd", "x", "x", "by luck"]
    assert rows[:2] == [["a", "wrong", "ab ⏎ cd", "x", "…" + "y" * 119, "does not stop"]] * 2
    assert generation_examples({"a": {"mrr": 1.0}, "b": {"generated_examples": []}}, 2) is None


def test_the_table():
    found = {
        "again": {"mrr": 1, "generated_content": 0.5, "generated_length_ratio": 1.25, "generated_examples": []},
        "b": {},
    }
    assert generation_table(found) == (
        ["answers that the model wrote", "again"],
        [["content", "0.500"], ["length ratio", "1.250"]],
    )
    assert generation_table({"again": {"mrr": 1}}) is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_new_tokens": 0}, "expected 1 or more"),
        ({"limit": 0}, "expected 1 or more"),
        ({"scorer": "exakt"}, "did you mean 'exact'"),
    ],
)
def test_mistakes_are_told(untrained, options, message):
    with pytest.raises(ComponentError, match=message):
        generation(context(untrained), **options)


def test_it_is_of_conversations():
    run = jepa_core.build(jepa_core.load_recipe("cosine_k1", registry=REGISTRY), registry=REGISTRY, device="cpu")
    with pytest.raises(ComponentError, match="generation is of conversations"):
        generation(context(run))
