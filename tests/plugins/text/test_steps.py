"""Steps of an answer, by contract, by hand, and through a real tokenizer."""

from __future__ import annotations

import json

import pytest
import torch

import jepa_core
from jepa_core import ComponentError, NewBlock
from jepa_core.model.tokenizer import tokenizer_files
from jepa_core.testing import ReversalContract
from jepa_core.verify.row import Verdict
from jepa_plugins.text.check_predictors import NOT, SEES, TRAINED
from jepa_plugins.text.steps import Steps, piece_of, steps
from tests.plugins.text.conversations import TAGS, context, real, samples
from tests.plugins.text.pairs_recipe import REGISTRY, pairs_recipe
from tests.plugins.text.specimen import tokenizer
from tests.plugins.text.verified import checked, rows

#: The answers are "a b", "a", "b", "b", and "a; b; b c" in five tokens.
PIECES = {50: "a; ", 51: " b", 52: "a", 53: "b", 54: "a", 55: "b", 56: "a", 57: "; b;", 58: " b", 59: " c"}


class TestSteps(ReversalContract):
    number_of_tags = len(TAGS)

    def make(self):
        return Steps(2, 3, PIECES.__getitem__, separator="; ?")

    def make_samples(self):
        return samples()


class TestInTheRow(TestSteps):
    def make(self):
        return Steps(2, 3, PIECES.__getitem__, separator="; ?", apart=False)


def views(number: float, apart: bool = True):
    draws = lambda _: torch.full((5,), number, dtype=torch.float64)  # noqa: E731
    made = Steps(2, 3, PIECES.__getitem__, "; ?", apart)(samples(), draws)
    return made.pairs[0], made.weights[0].tolist()


def test_pairs_by_hand():
    """The last answer's steps are 56, then 57 (its first character that is a separator is none of it), then 58 59."""
    (source, target), weights = views(0.0)
    assert weights == [1, 0, 0, 0, 1]
    assert source.branch
    assert [source.select[i].nonzero().flatten().tolist() for i in (0, 4)] == [[6], [3]]
    assert isinstance(target, NewBlock)
    assert [real(target.samples)[i] for i in (0, 4)] == [[51], [58, 59]]


def test_in_the_row(tmp_path):
    (_, target), _ = views(0.0, apart=False)
    assert target.select[0].nonzero().flatten().tolist() == [7]


def test_each_pair_of_neighbours_is_drawn_equally_often():
    text = {50: "a\n", 51: "b\n", 52: "c\n", 53: "d"}
    one = samples()[torch.zeros(300, dtype=torch.int64)]
    ids = torch.tensor([40, 50, 51, 52, 53]).expand(300, 5)
    many = type(one)(ids, torch.tensor([2, 3, 3, 3, 3]).expand(300, 5))
    ((source, target),) = Steps(2, 3, text.__getitem__)(many, lambda _: torch.arange(300).double() / 300).pairs
    assert source.select.sum(dim=0).tolist() == [0, 100, 100, 100, 0]
    assert target.samples.ids.flatten().tolist() == [51] * 100 + [52] * 100 + [53] * 100


def test_tokens_give_their_text():
    made = tokenizer(kind="bytes")
    text = "two lines\n\n4 * 3 = 12\n#### 12"
    assert "".join(map(piece_of(made), made.encode(text, add_special_tokens=False))) == text


def test_through_the_dataset(tmp_path, monkeypatch):
    """GSM8K's form: the answers' lines."""
    monkeypatch.setenv("JEPA_CACHE", str(tmp_path / "cache"))
    file = tmp_path / "chains.jsonl"
    answers = ["1 + 1 = 2\n2 + 2 = 4\n#### 4", "#### 7"]
    file.write_text("".join(json.dumps({"prompt": "sum", "completion": a}) + "\n" for a in answers))
    overrides = (f"data.train={file}", "objective.reversal=steps", "model.config.n_positions=64")
    run = jepa_core.build(pairs_recipe(tmp_path, *overrides), REGISTRY)
    batch, made = run.train_dataset.__getitems__([0, 1]), run.objective.spec.terms[0].reversal
    ((source, target),) = made(jepa_core.Samples.of_batch(batch), lambda _: torch.tensor([0.9, 0.9])).pairs
    said = "".join(map(made.piece, batch["input_ids"][0][source.select[0]].tolist()))
    assert said.strip() == "2 + 2 = 4"
    assert "".join(map(made.piece, real(target.samples)[0])) == "#### 4"
    found = rows(checked(tmp_path, *overrides))
    assert {found[name].verdict for name in (SEES, NOT, TRAINED)} == {Verdict.PASS}, found


def test_mistakes_are_told():
    with pytest.raises(ComponentError, match=r"separator: '\(' is no regular expression"):
        steps(context(), separator="(")
    with pytest.raises(ComponentError, match="has no tokenizer"):
        steps(context())
    assert tokenizer_files(tokenizer())
