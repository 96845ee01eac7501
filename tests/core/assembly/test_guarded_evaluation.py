"""A guarded evaluation is the evaluation, but for how its mistakes are told."""

from __future__ import annotations

import pytest

import jepa_core
from jepa_core.assembly.guarded_evaluation import GuardedEvaluation
from jepa_core.errors import ComponentError, DataError


class Own:
    def __call__(self, name, samples, batch_size):
        if batch_size < 0:
            raise DataError("own words")
        return {"a": batch_size} if batch_size else None


def guarded() -> GuardedEvaluation:
    return GuardedEvaluation(Own(), jepa_core.load_recipe("cosine_k1"), "evaluation.also", "mine")


def test_it_is_otherwise_the_same():
    assert guarded()("test", [], 3) == {"a": 3}


def test_its_mistakes_are_told_with_the_line_of_the_recipe():
    with pytest.raises(ComponentError, match=r"evaluation.also: 'mine' breaks its contract: it returns NoneType"):
        guarded()("test", [], 0)
    with pytest.raises(DataError, match=r"^own words$"):
        guarded()("test", [], -1)
