"""The last valid token's hidden state: its contract, and the indices of the golden case."""

import pytest
import torch

from jepa_core.components import EmbeddingTraits
from jepa_core.contexts import BuildContext
from jepa_core.errors import ComponentError
from jepa_core.testing import EmbeddingContract
from jepa_plugins.facts.roles import TAGS, Role
from jepa_plugins.last_token import LastToken, last_token
from tests.support import vocabulary as make_vocabulary

CONTEXT = BuildContext(make_vocabulary({"<mask>": 0, "<pad>": 1}, (), 0, 1), width=8, num_layers=2, tags=TAGS)


class TestLastTokenContract(EmbeddingContract):
    def make(self):
        return LastToken()


class TestTagContract(EmbeddingContract):
    def make(self):
        return LastToken(layer=1, tag=Role.MASK, norm="rms")


class TestL2Contract(EmbeddingContract):
    def make(self):
        return LastToken(norm="l2")


class TestVarianceContract(EmbeddingContract):
    def make(self):
        return LastToken(tag=Role.TAIL, norm="variance")


def numbered(b: int, s: int) -> torch.Tensor:
    """Hidden states ``b s 1`` that say where they stand: 100 * row + column."""
    return (100.0 * torch.arange(b)[:, None] + torch.arange(s))[..., None]


def test_mixed_lengths_by_hand():
    valid = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]]).bool()
    assert LastToken()(numbered(3, 4), valid, valid.long()).tolist() == [[3.0], [101.0], [200.0]]


def test_golden_case():
    """Six tokens and one PRED: in the packed row of 13 the source's is token 6, the target's token 12."""
    row = torch.arange(13)
    tags = torch.tensor([Role.HEAD, Role.HEAD, Role.RELATION, Role.MASK, Role.TAIL, Role.TAIL])
    tags = torch.cat([tags, torch.tensor([Role.PRED]), tags])[None]
    hidden = numbered(1, 13)
    assert LastToken()(hidden, (row <= 6)[None], tags).tolist() == [[6.0]]
    assert LastToken()(hidden, (row > 6)[None], tags).tolist() == [[12.0]]


def test_a_part_ends_at_its_own_last_token():
    valid = torch.tensor([[0, 1, 1, 0, 0], [0, 0, 1, 0, 1]]).bool()
    assert LastToken()(numbered(2, 5), valid, valid.long()).tolist() == [[2.0], [104.0]]


@pytest.mark.parametrize("layer", [-1, 0, 2])
def test_declares_the_layer_that_it_was_given(layer):
    assert EmbeddingTraits.of(LastToken(layer=layer)).layer == layer


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


@pytest.mark.parametrize(("tag", "place"), [("head", 1), ("relation", 2), ("mask", 3), ("tail", 5), ("pred", 6)])
def test_the_last_token_with_a_tag(tag, place):
    tags = torch.tensor([[Role.HEAD, Role.HEAD, Role.RELATION, Role.MASK, Role.TAIL, Role.TAIL, Role.PRED]])
    extract = last_token(CONTEXT, tag=tag)
    assert extract(numbered(1, 7), tags != Role.PAD, tags).tolist() == [[float(place)]]
    assert extract.reads(tags != Role.PAD, tags).nonzero().tolist() == [[0, place]]


def test_a_token_outside_the_view_is_not_taken():
    """Only the first of two tails is in the view."""
    tags = torch.tensor([[Role.MASK, Role.TAIL, Role.TAIL]])
    assert LastToken(tag=Role.TAIL)(numbered(1, 3), torch.tensor([[True, True, False]]), tags).tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("norm", "expected"),
    [
        ("none", [3.0, 4.0, 0.0, 1.0]),
        ("l2", [3 / 26**0.5, 4 / 26**0.5, 0.0, 1 / 26**0.5]),
        ("rms", [3 / 6.5**0.5, 4 / 6.5**0.5, 0.0, 1 / 6.5**0.5]),
        ("variance", [3 / 2.5**0.5, 4 / 2.5**0.5, 0.0, 1 / 2.5**0.5]),
    ],
)
def test_norms_by_hand(norm, expected):
    """(3, 4, 0, 1): sum of squares 26, mean 2, variance (1 + 4 + 4 + 1) / 4."""
    hidden = torch.tensor([[[3.0, 4.0, 0.0, 1.0]]])
    found = LastToken(norm=norm)(hidden, torch.ones(1, 1).bool(), torch.ones(1, 1))
    assert found[0].tolist() == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize(("offset", "expected"), [(0, [[3.0], [101.0]]), (1, [[2.0], [100.0]]), (2, [[1.0], [100.0]])])
def test_so_many_tokens_before_the_last(offset, expected):
    """Two before the last one of two tokens is beyond the view's start: its first column."""
    valid = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]]).bool()
    assert LastToken(offset=offset)(numbered(2, 4), valid, valid.long()).tolist() == expected


def test_an_offset_counts_tokens_with_the_tag_only():
    """One before the last of the tails at columns 1, 3 and 4 is column 3, two before it column 1."""
    tags = torch.tensor([[Role.HEAD, Role.TAIL, Role.MASK, Role.TAIL, Role.TAIL]])
    found = [LastToken(tag=Role.TAIL, offset=n)(numbered(1, 5), tags > 0, tags).item() for n in range(3)]
    assert found == [4.0, 3.0, 1.0]


def test_a_tag_that_the_dataset_does_not_have_is_refused_with_a_suggestion():
    with pytest.raises(ComponentError, match="tag: the dataset has no tag 'tial'; did you mean 'tail'"):
        last_token(CONTEXT, tag="tial")


def test_an_offset_after_the_last_token_is_refused():
    with pytest.raises(ComponentError, match="offset: expected 0 or more tokens before the last one, not -1"):
        last_token(CONTEXT, offset=-1)
