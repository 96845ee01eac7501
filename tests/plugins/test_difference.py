"""The displacement from the first to the last state of a view: its contract, and values by hand."""

import torch

from jepa_core.components import EmbeddingTraits
from jepa_core.testing import EmbeddingContract
from jepa_plugins.difference import Difference


class TestDifferenceContract(EmbeddingContract):
    def make(self):
        return Difference()


HIDDEN = torch.tensor(
    [[[1.0, 0.0], [3.0, 4.0], [5.0, 7.0], [9.0, 9.0]], [[2.0, 2.0], [1.0, 6.0], [8.0, 8.0], [7.0, 7.0]]]
)


def test_values_by_hand():
    """(5, 7) - (1, 0), and (1, 6) - (2, 2)."""
    valid = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0]]).bool()
    assert Difference()(HIDDEN, valid, valid.long()).tolist() == [[4.0, 7.0], [-1.0, 4.0]]
    assert Difference().reads(valid, valid.long()).int().tolist() == [[1, 0, 1, 0], [1, 1, 0, 0]]


def test_a_view_that_is_a_part_begins_at_its_own_first_token():
    """(9, 9) - (3, 4), over a token that is not in the view; and one token alone, which goes nowhere."""
    valid = torch.tensor([[0, 1, 0, 1], [0, 0, 1, 0]]).bool()
    assert Difference()(HIDDEN, valid, valid.long()).tolist() == [[6.0, 5.0], [0.0, 0.0]]
    assert Difference().reads(valid, valid.long()).int().tolist() == [[0, 1, 0, 1], [0, 0, 1, 0]]


def test_gradient_pushes_the_ends_apart():
    hidden = HIDDEN.clone().requires_grad_()
    valid = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0]]).bool()
    Difference()(hidden, valid, valid.long()).sum().backward()
    assert hidden.grad[..., 0].tolist() == [[-1.0, 0.0, 1.0, 0.0], [-1.0, 1.0, 0.0, 0.0]]


def test_declares_the_layer_that_it_was_given():
    assert [EmbeddingTraits.of(Difference(layer)).layer for layer in (-1, 0, 2)] == [-1, 0, 2]
