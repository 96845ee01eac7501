"""Random spans against the rest, by contract and by hand."""

from __future__ import annotations

import pytest
import torch

from jepa_core import ComponentError
from jepa_core.testing import ReversalContract
from jepa_plugins.text.random_spans import random_spans
from tests.plugins.text.conversations import TAGS, context, samples


class TestRandomSpans(ReversalContract):
    number_of_tags = len(TAGS)

    def make(self):
        return random_spans(context(), spans=2, weight="cosine_like")

    def make_samples(self):
        return samples()


def views(*numbers: float, **options):
    """Places of each pair's source and target in the first conversation, and its weights over all."""
    draws = lambda number: torch.full((5,), numbers[number], dtype=torch.float64)  # noqa: E731
    made = random_spans(context(), **options)(samples(), draws)
    sides = [[view.select[0].nonzero().flatten().tolist() for view in pair] for pair in made.pairs]
    return sides, [weights.tolist() for weights in made.weights]


def test_a_span_over_both_contents():
    """The path is 2, 3, 4, 6, 7: start 1 of it, three long. A path of one token weighs nothing."""
    [(rest, span)], [weights] = views(0.2, 0.5)
    assert (rest, span) == ([2, 7], [3, 4, 6])
    assert weights == [1, 1, 0, 1, 1]


def test_several_spans_are_drawn_apart():
    [first, second], weights = views(0.2, 0.5, 0.0, 0.0, spans=2, weight="jaccard_like")
    assert first == [[2, 7], [3, 4, 6]]
    assert second == [[3, 4, 6, 7], [2]]
    assert [each[0] for each in weights] == pytest.approx([1 - 1 / 5, 1 - 3 / 5])


def test_end_to_end_has_the_template_between():
    [(rest, span)], _ = views(0.99, 0.99, through="end_to_end", from_start=True, max_length=4)
    assert (rest, span) == ([6, 7], [2, 3, 4, 5])


def test_mistakes_are_told():
    for options in ({"spans": 0}, {"max_length": 0}):
        with pytest.raises(ComponentError, match="expected 1 or more"):
            random_spans(context(), **options)
