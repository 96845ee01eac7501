"""The mean over a view's tokens: its contract, and values by hand."""

import pytest
import torch

from jepa_core.components import EmbeddingTraits
from jepa_core.contexts import BuildContext
from jepa_core.errors import ComponentError
from jepa_core.testing import EmbeddingContract
from jepa_plugins.facts.roles import TAGS, Role
from jepa_plugins.mean_token import MeanToken, mean
from tests.support import vocabulary as make_vocabulary

CONTEXT = BuildContext(make_vocabulary({"<mask>": 0, "<pad>": 1}, (), 0, 1), width=8, num_layers=2, tags=TAGS)


class TestMeanContract(EmbeddingContract):
    def make(self):
        return MeanToken()


class TestTagContract(EmbeddingContract):
    def make(self):
        return MeanToken(layer=1, tag=Role.TAIL)


#: Two views of up to four tokens, of width 2.
HIDDEN = torch.tensor(
    [[[1.0, 0.0], [3.0, 4.0], [5.0, 5.0], [9.0, 9.0]], [[2.0, 2.0], [9.0, 9.0], [8.0, 8.0], [7.0, 7.0]]]
)
VALID = torch.tensor([[1, 1, 1, 0], [1, 0, 0, 0]]).bool()


def test_values_by_hand():
    assert MeanToken()(HIDDEN, VALID, VALID.long()).tolist() == [[3.0, 3.0], [2.0, 2.0]]


def test_of_a_tag_by_hand():
    """The first view has two relation tokens, (1, 0) and (5, 5); the second has none, and gives zeros."""
    tags = torch.tensor(
        [[Role.RELATION, Role.HEAD, Role.RELATION, Role.PAD], [Role.HEAD, Role.PAD, Role.PAD, Role.PAD]]
    )
    found = mean(CONTEXT, tag="relation")
    assert found(HIDDEN, VALID, tags).tolist() == [[3.0, 2.5], [0.0, 0.0]]
    assert found.reads(VALID, tags).int().tolist() == [[1, 0, 1, 0], [0, 0, 0, 0]]


def test_a_token_outside_the_view_is_left_out():
    """The third token has the tag, and is not in the view."""
    tags = torch.full((2, 4), Role.TAIL)
    valid = torch.tensor([[1, 1, 0, 0], [1, 0, 0, 0]]).bool()
    assert MeanToken(tag=Role.TAIL)(HIDDEN, valid, tags).tolist() == [[2.0, 2.0], [2.0, 2.0]]


def test_reads_all_of_the_view_unless_told_otherwise():
    assert torch.equal(MeanToken().reads(VALID, VALID.long()), VALID)


def test_declares_the_layer_that_it_was_given():
    assert [EmbeddingTraits.of(mean(CONTEXT, layer=layer)).layer for layer in (-1, 0, 2)] == [-1, 0, 2]


def test_a_tag_that_the_dataset_does_not_have_is_refused():
    with pytest.raises(ComponentError, match="tag: the dataset has no tag 'relatoin'; did you mean 'relation'"):
        mean(CONTEXT, tag="relatoin")
