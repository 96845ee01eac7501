"""Masked spans, by hand and by contract."""

from __future__ import annotations

import pytest
import torch

from jepa_core import ComponentError
from jepa_core.testing import ReversalContract
from jepa_plugins.text.masked_span import mask_id, masked_span
from tests.plugins.text.conversations import TAGS, context, real, samples

MASK = 7


class TestMaskedSpan(ReversalContract):
    number_of_tags = len(TAGS)

    def make(self):
        return masked_span(context(**{"<mask>": MASK}))

    def make_samples(self):
        return samples()


def views(*numbers: float, **options):
    """Source and target tokens, and the weights; the same draws for every conversation."""
    draws = lambda number: torch.full((5,), numbers[number], dtype=torch.float64)  # noqa: E731
    made = masked_span(context(**{"<mask>": MASK}), **options)(samples(), draws)
    return *(real(view.samples) for view in made.pairs[0]), made.weights[0].tolist()


def test_a_span_over_both_contents():
    """The first path has five tokens (2, 3, 4, 6, 7): start 1 of them, three long."""
    source, target, weights = views(0.2, 0.5)
    assert source[0] == [40, MASK, MASK, 2, MASK, 51]
    assert target[0] == [41, 42, 50]
    assert weights == [1, 1, 0, 1, 1]


def test_the_first_token_of_a_row_is_on_no_path():
    source, target, _ = views(0.0, 0.0)
    assert (source[1], target[1]) == ([MASK, 2, 52], [44])


def test_the_whole_conversation_as_target():
    source, target, _ = views(0.2, 0.5, target="conversation")
    assert source[0] == [40, MASK, MASK, 2, MASK, 51]
    assert target[0] == [40, 41, 42, 2, 50, 51]


def test_where_spans_lie():
    source, target, _ = views(0.99, 0.99, through="all", from_start=True, max_length=2)
    assert source[0] == [MASK, MASK, 41, 42, 2, 50, 51]
    assert target[0] == [30, 40]


def test_which_token_is_the_mask():
    assert mask_id(context(**{"[MASK]": 4, "<mask>": 5}).vocabulary, None) == 5
    assert mask_id(context(**{"[MASK]": 4}).vocabulary, None) == 4
    assert mask_id(context().vocabulary, "a") == 60
    with pytest.raises(ComponentError, match="name one of its tokens"):
        mask_id(context().vocabulary, None)
    with pytest.raises(ComponentError, match="no token '<masks>'; did you mean '<mask>'"):
        mask_id(context(**{"<mask>": 5}).vocabulary, "<masks>")
    with pytest.raises(ComponentError, match="max_length"):
        masked_span(context(**{"<mask>": 5}), max_length=0)
