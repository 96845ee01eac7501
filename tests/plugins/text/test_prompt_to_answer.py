"""The two views of LLM-JEPA, by contract and by hand."""

from __future__ import annotations

import pytest
import torch

import jepa_core
from jepa_core import ComponentError, NewBlock, Part, Samples
from jepa_core.objective import cheapest
from jepa_core.testing import ReversalContract
from jepa_core.testing.examples import padded
from jepa_core.testing.reversal import tokens_by_row
from jepa_plugins.text.generation_evaluation import last_answer
from jepa_plugins.text.prompt_to_answer import PromptToAnswer
from tests.plugins.text.conversations import TAGS, real, samples
from tests.plugins.text.pairs_recipe import REGISTRY, pairs_recipe
from tests.support import gradient_error, gradients


def rendered() -> Samples:
    """Adds the renderings that the dataset gives, all in a simple form."""
    some = samples()
    starts = [last_answer(tags.tolist())[0] for tags in some.tags]
    before = torch.arange(some.ids.shape[1]) < torch.tensor(starts)[:, None]
    prefix, answer, alone = (some.where(chosen) for chosen in (before, ~before, some.tags == 2))
    return Samples(some.ids, some.tags, {"prefix": prefix, "answer": answer, "alone": alone})


class TestPrefix(ReversalContract):
    number_of_tags = len(TAGS)

    def make(self):
        return PromptToAnswer()

    def make_samples(self):
        return rendered()

    def test_samples_stand_alone(self):
        """Tests as the contract does, whose padding knows no renderings."""
        some = rendered()
        wider = {name: padded(each, 2) for name, each in some.renderings.items()}
        wide = Samples(padded(some, 2).ids, padded(some, 2).tags, wider)
        together = [tokens_by_row(view) for view in self.views(some)]
        assert [tokens_by_row(view) for view in self.views(wide)] == together
        for i in range(len(some)):
            alone = [tokens_by_row(view)[0] for view in self.views(some[torch.tensor([i])])]
            assert alone == [rows[i] for rows in together]


class TestAlone(TestPrefix):
    def make(self):
        return PromptToAnswer("alone", reverse=True, predictors="before")


def test_the_prefix_is_the_rows_own_and_branches():
    [(source, target)] = PromptToAnswer()(rendered()).pairs
    assert isinstance(source, Part)
    assert source.branch
    assert [row.sum().item() for row in source.select] == [6, 3, 2, 7, 3]
    assert source.select[0].tolist() == [True] * 6 + [False] * 3
    assert real(target.samples)[:2] == [[50, 51, 3], [52, 3]]


def test_alone_and_turned_round():
    [(source, target)] = PromptToAnswer("alone", reverse=True, predictors="before")(rendered()).pairs
    assert isinstance(target, NewBlock)
    assert real(target.samples)[0] == [40, 41, 42]
    assert real(source.samples)[0] == [50, 51, 3]
    assert source.predictors_first


def test_mistakes_are_told():
    with pytest.raises(ValueError, match="needs rendering: alone"):
        PromptToAnswer(predictors="before")
    with pytest.raises(ComponentError, match="needs the rendering 'prefix'"):
        PromptToAnswer()(samples())


def test_calls_of_like_length_change_no_number(tmp_path, monkeypatch):
    """Rows of each length have a call of their own, as a call costs nothing here."""
    found = []
    for cost in (1e9, 0.0):
        monkeypatch.setattr(cheapest, "GRADIENT", cost)
        monkeypatch.setattr(cheapest, "DISPATCH", 0.0)
        run = jepa_core.build(pairs_recipe(tmp_path, "objective.k=2"), REGISTRY, "cpu")
        plan = run.objective.plan(run.train_dataset.__getitems__(range(7)))
        output = run.objective(plan=plan)
        found.append((len(plan.arrangement.calls), output, gradients(run.objective, output.loss)))
    (one, all_alike, theirs), (several, by_length, ours) = found
    assert one < 4 < several
    assert by_length.ntp_loss.item() == pytest.approx(all_alike.ntp_loss.item(), rel=1e-6)
    assert by_length.jepa_loss.item() == pytest.approx(all_alike.jepa_loss.item(), rel=1e-5)
    assert gradient_error(ours, theirs) < 1e-5
