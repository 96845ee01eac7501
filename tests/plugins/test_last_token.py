"""The last valid token's hidden state: its contract, and the indices of the golden case."""

import pytest
import torch

from jepa_core.components import declared
from jepa_core.testing import EmbeddingContract
from jepa_core.views.facts import Role
from jepa_plugins.last_token import LastToken


class TestLastTokenContract(EmbeddingContract):
    def make(self):
        return LastToken()


def numbered(b: int, s: int) -> torch.Tensor:
    """Hidden states ``b s 1`` that say where they stand: 100 * row + column."""
    return (100.0 * torch.arange(b)[:, None] + torch.arange(s))[..., None]


def test_mixed_lengths_by_hand():
    valid = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]]).bool()
    assert LastToken()(numbered(3, 4), valid, valid.long()).tolist() == [[3.0], [101.0], [200.0]]


def test_golden_case():
    """Six tokens and one PRED: in the packed row of 13 the source's is token 6, the target's token 12."""
    row = torch.arange(13)
    roles = torch.tensor([Role.HEAD, Role.HEAD, Role.RELATION, Role.MASK, Role.TAIL, Role.TAIL])
    roles = torch.cat([roles, torch.tensor([Role.PRED]), roles])[None]
    hidden = numbered(1, 13)
    assert LastToken()(hidden, (row <= 6)[None], roles).tolist() == [[6.0]]
    assert LastToken()(hidden, (row > 6)[None], roles).tolist() == [[12.0]]


def test_a_part_ends_at_its_own_last_token():
    valid = torch.tensor([[0, 1, 1, 0, 0], [0, 0, 1, 0, 1]]).bool()
    assert LastToken()(numbered(2, 5), valid, valid.long()).tolist() == [[2.0], [104.0]]


@pytest.mark.parametrize("layer", [-1, 0, 2])
def test_declares_the_layer_that_it_was_given(layer):
    assert declared("embedding", LastToken(layer=layer), "layer") == layer


def test_reads_the_last_layer_unless_told_otherwise():
    assert LastToken().layer == -1


def test_reads_nothing_but_the_last_valid_token():
    extract = LastToken()
    valid = torch.tensor([[True, True, False], [True, False, False], [True, True, True]])
    reads = extract.reads(valid, torch.zeros(3, 3))
    assert reads.int().tolist() == [[0, 1, 0], [1, 0, 0], [0, 0, 1]]
    hidden = torch.randn(3, 3, 5)
    other = hidden.where(reads[..., None], torch.randn(3, 3, 5))
    assert torch.equal(extract(hidden, valid, valid), extract(other, valid, valid))
