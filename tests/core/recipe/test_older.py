"""Recipes in older keys mean what they meant, and say how they are written now."""

from __future__ import annotations

import pytest

from jepa_core.errors import RecipeError
from jepa_core.recipe.load import load_recipe
from jepa_core.recipe.resolve import differences, dump_yaml, resolved
from jepa_core.registry import Registry


@pytest.fixture(scope="module")
def installed() -> Registry:
    return Registry.discover()


@pytest.fixture
def read(tmp_path, monkeypatch, installed):
    """A recipe's text, loaded from ``r.yaml`` in the current folder."""
    monkeypatch.chdir(tmp_path)

    def read(text: str, *overrides: str):
        (tmp_path / "r.yaml").write_text(text)
        return load_recipe("r.yaml", overrides, installed)

    return read


RELATIONAL = """\
objective:
  k: 0
  embedding:
    source: {name: relational_predictor, layer: 2, relation_layer: 1, products: 7}
    target: last_token
"""
RELATIONAL_NOW = """\
objective:
  k: 0
  embedding:
    source: {name: last_token, tag: head, layer: 2}
    target: last_token
    condition: {name: mean, tag: relation, layer: 1}
  predictor: {name: relational, products: 7}
"""
PLAIN = "objective: {embedding: {source: relational_predictor, target: last_token}}"
PLAIN_NOW = """\
objective:
  embedding: {source: {name: last_token, tag: head}, target: last_token, condition: {name: mean, tag: relation, layer: 0}}
  predictor: relational
"""


@pytest.mark.parametrize(
    ("older", "now", "words"),
    [
        (
            "objective: {stop_gradient: none}",
            "objective: {target: same}",
            ["r.yaml:1: objective.stop_gradient: none is now objective.target: same"],
        ),
        (
            "seed: 42\nobjective:\n  stop_gradient: target\n",
            "objective: {target: stopped}",
            ["r.yaml:3: objective.stop_gradient: target is now objective.target: stopped"],
        ),
        (
            "objective: {embedding: {name: last_token, role: mask, layer: 1}}",
            "objective: {embedding: {name: last_token, tag: mask, layer: 1}}",
            [
                "r.yaml:1: objective.embedding: embedding 'last_token' is now written objective.embedding: "
                "{name: last_token, layer: 1, tag: mask}"
            ],
        ),
        (
            "objective:\n  embedding:\n    source: {name: last_token, role: mask}\n    target: last_token\n",
            "objective: {embedding: {source: {name: last_token, tag: mask}, target: last_token}}",
            [
                "r.yaml:3: objective.embedding.source: embedding 'last_token' is now written "
                "objective.embedding.source: {name: last_token, tag: mask}"
            ],
        ),
        (
            RELATIONAL,
            RELATIONAL_NOW,
            [
                "r.yaml:4: objective.embedding.source: embedding 'relational_predictor' is now written "
                "objective.embedding.source: {name: last_token, tag: head, layer: 2}, "
                "objective.embedding.condition: {name: mean, tag: relation, layer: 1}, "
                "objective.predictor: {name: relational, products: 7}"
            ],
        ),
        (
            PLAIN,
            PLAIN_NOW,
            [
                "r.yaml:1: objective.embedding.source: embedding 'relational_predictor' is now written "
                "objective.embedding.source: {name: last_token, tag: head}, "
                "objective.embedding.condition: {name: mean, tag: relation, layer: 0}, "
                "objective.predictor: relational"
            ],
        ),
        (
            "evaluation: {concepts: true}",
            "evaluation: {also: [concepts]}",
            ["r.yaml:1: evaluation.concepts: true is now evaluation.also: [concepts]"],
        ),
        (
            "evaluation: {concepts: false}",
            "seed: 42",
            ["r.yaml:1: evaluation.concepts: false says nothing any more: leave it out"],
        ),
    ],
)
def test_the_same_recipe_and_the_words(read, installed, older, now, words):
    found, expected = read(older), read(now)
    assert differences(resolved(found, installed), resolved(expected, installed)) == []
    assert list(found.older) == words
    assert expected.older == ()


def test_several_at_once_each_with_a_word(read, installed):
    older = (
        "objective: {stop_gradient: target, embedding: {name: last_token, role: tail}}\nevaluation: {concepts: true}\n"
    )
    now = "objective: {target: stopped, embedding: {name: last_token, tag: tail}}\nevaluation: {also: [concepts]}\n"
    assert resolved(read(older), installed) == resolved(read(now), installed)
    assert len(read(older).older) == 3


def test_on_the_command_line_too(read, installed):
    found = read("seed: 42", "objective.stop_gradient=target", "evaluation.concepts=true")
    expected = read("objective: {target: stopped}\nevaluation: {also: [concepts]}\n")
    assert resolved(found, installed) == resolved(expected, installed)
    assert list(found.older) == [
        "command line: objective.stop_gradient: target is now objective.target: stopped",
        "command line: evaluation.concepts: true is now evaluation.also: [concepts]",
    ]


def test_an_override_with_the_new_key_wins_over_the_file_s_older_one(read):
    assert read("objective: {stop_gradient: target}", "objective.target=same").objective.target == "same"


def test_an_override_with_the_older_key_wins_over_the_file_s_new_one(read):
    assert read("objective: {target: frozen}", "objective.stop_gradient=target").objective.target == "stopped"


def test_a_mistake_is_at_the_older_key_s_line(read):
    with pytest.raises(RecipeError, match=r"^r.yaml:2: objective.embedding.layr: unknown option of 'last_token'"):
        read("objective:\n  embedding: {name: last_token, role: mask, layr: 1}\n")


def test_the_source_can_no_longer_be_stopped(read):
    with pytest.raises(
        RecipeError, match=r"^r.yaml:1: objective.stop_gradient: is now objective.target: same, stopped, "
    ):
        read("objective: {stop_gradient: source}")


@pytest.mark.parametrize("wrong", ["objective: {stop_gradient: both}", "objective: {stop_gradient: [none]}"])
def test_what_was_never_right_is_refused(read, wrong):
    with pytest.raises(RecipeError, match=r"objective.stop_gradient: "):
        read(wrong)
    with pytest.raises(RecipeError, match=r"evaluation.concepts: unknown key"):
        read("evaluation: {concepts: yes}")


def test_a_recipe_in_today_s_keys_stays_as_it_is_and_says_nothing(read, installed):
    found = read(RELATIONAL_NOW)
    assert found.older == ()
    again = read(dump_yaml(resolved(found, installed)))
    assert again.older == ()
    assert resolved(again, installed) == resolved(found, installed)
