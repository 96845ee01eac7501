"""Contents of both sides, by hand and by contract."""

from __future__ import annotations

import pytest

from jepa_core import ComponentError, NewBlock, Part
from jepa_core.testing import ReversalContract
from jepa_plugins.text.contents import contents
from tests.plugins.text import conversations
from tests.plugins.text.conversations import TAGS, context, real, samples


class TestInside(ReversalContract):
    number_of_tags = len(TAGS)

    def make(self):
        return contents(context())

    def make_samples(self):
        return samples()


class TestApart(TestInside):
    def make(self):
        return contents(context(), apart=True)


def chosen(view: Part) -> list[list[int]]:
    return [row.nonzero().flatten().tolist() for row in view.select]


def test_inside_the_row():
    [(source, target)] = contents(context())(samples()).pairs
    assert chosen(source) == [[2, 3, 4], [1], [0], [1, 5], [1]], "a row's first token only where there is no other"
    assert chosen(target) == [[6, 7], [3], [2], [3, 7], [3, 4, 5, 6]]
    assert not source.branch
    [(answer, asked)] = contents(context(), reverse=True)(samples()).pairs
    assert (chosen(answer), chosen(asked)) == (chosen(target), chosen(source))


def test_apart():
    [(source, target)] = contents(context(), apart=True, predictors="before")(samples()).pairs
    assert isinstance(source, NewBlock)
    assert real(source.samples) == [[40, 41, 42], [43, 44], [45], [46, 47], [48]]
    assert real(target.samples) == [[50, 51], [52], [53], [54, 55], [56, 57, 58, 59]]
    assert set(target.samples.tags[target.samples.valid].tolist()) == {3}
    assert source.predictors_first


def test_mistakes_are_told():
    with pytest.raises(ComponentError, match="needs apart: true"):
        contents(context(), predictors="before")
    facts = conversations.BuildContext(vocabulary=context().vocabulary, width=8, num_layers=2, tags=("head", "tail"))
    with pytest.raises(ComponentError, match="no tag 'user'"):
        contents(facts)
