"""The README of a run and of an exported model."""

from __future__ import annotations

import yaml

from jepa_core.assembly.card import card, write_card

RECIPE = {
    "description": "Reversed samples.",
    "seed": 3,
    "data": {"name": "reversal_curse", "path": None},
    "model": {"config": {"model_type": "gpt2"}, "pretrained": None},
    "objective": {
        "gamma_ntp": 1.0,
        "lambda_jepa": {"start": 0, "end": 2, "steps": 3, "shape": "linear"},
        "distance": "cosine",
        "reversal": {"name": "parity"},
    },
    "training": {"max_steps": 1200, "num_train_epochs": None},
    "resolved": {
        "versions": {"jepa-core": "0.1.0"},
        "data": {"train": {"size": 2200, "sha256": "x"}, "vocabulary": {"size": 3, "sha256": "y"}},
        "captions": {"test": "what is held out"},
        "licences": ["`LICENSE.wordnet`, beside `facts.jsonl`"],
        "search": ["/srv/somebody"],
    },
}
METRICS = {
    "train": {"mrr": 1.0, "mrr_token1": 0.5, "joint_accuracy": 0.995, "num_samples": 1000},
    "atomic": {"mrr": 0.5, "joint_accuracy": 0.5},
    "test": {"mrr": 0.1, "joint_accuracy": 0.9, "plain_joint_accuracy": 0.0, "examples": [1], "jepa_loss": None},
}


def test_what_a_reader_wants_to_know():
    text = card("mine", RECIPE, METRICS, exported=False)
    front = yaml.safe_load(text.split("---")[1])
    assert front == {"library_name": "transformers", "pipeline_tag": "text-generation", "tags": ["jepa-core"]}
    assert "# mine\n\nReversed samples.\n" in text
    assert (
        "A gpt2 model, trained from scratch for 1,200 steps by jepa-core 0.1.0 on `reversal_curse` (samples: train 2,200), "
        "seed 3. Its loss is 1 × next-token prediction + (0 to 2) × cosine distance between two views (`parity`)."
    ) in text
    assert "- It answers `train`: 99.5% every token right" in text
    assert "- It answers some of `atomic`: 50.0%" in text
    assert "- It does not answer `test`, what is held out: 0.0% written whole, by greedy generation" in text
    assert "| mrr | 1.0000 | 0.5000 | 0.1000 |" in text
    assert "| num_samples | 1,000 | – | – |" in text
    assert "mrr_token1" not in text
    assert 'jepa_core.load("mine")' in text
    assert "- data: `LICENSE.wordnet`, beside `facts.jsonl`" in text
    assert "/srv/somebody" not in text


def test_the_recipe_in_it_is_the_recipe():
    text = card("mine", RECIPE, METRICS, exported=True)
    (block,) = [part for part in text.split("```") if part.startswith("yaml\n")]
    assert yaml.safe_load(block.removeprefix("yaml\n")) == {k: v for k, v in RECIPE.items() if k != "resolved"}
    assert 'pipeline("text-generation", model="mine")' in text


def test_of_a_pretrained_model_its_origin_is_told():
    recipe = {**RECIPE, "model": {"config": None, "pretrained": "org/base"}}
    text = card("mine", recipe, {"test": {"ntp_loss": 1.0}}, exported=True)
    assert yaml.safe_load(text.split("---")[1])["base_model"] == "org/base"
    assert "`org/base`, tuned for 1,200 steps" in text
    assert "`org/base`: its own licence holds" in text
    assert "Nothing of the kind was measured" in text


def test_a_readme_of_the_users_stays(tmp_path):
    path = tmp_path / "README.md"
    assert write_card(path, RECIPE, METRICS)
    first = path.read_text()
    assert write_card(path, {**RECIPE, "description": "Another."}, METRICS)
    assert path.read_text() != first
    path.write_text("my notes")
    assert not write_card(path, RECIPE, METRICS)
    assert path.read_text() == "my notes"


def test_how_to_load_it_is_python():
    for exported in (False, True):
        text = card("mine", RECIPE, METRICS, exported)
        (code,) = [part for part in text.split("```") if part.startswith("python\n")]
        compile(code.removeprefix("python"), "README.md", "exec")
