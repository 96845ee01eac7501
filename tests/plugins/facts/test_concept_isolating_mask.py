"""The concept-isolating mask: its contract, and who sees whom in each range of layers."""

import pytest
import torch

from jepa_core.components import MaskTraits
from jepa_core.contexts import BuildContext
from jepa_core.errors import ComponentError
from jepa_core.testing import MaskContract
from jepa_core.views.row_tokens import Tokens
from jepa_core.views.visibility import visible
from jepa_plugins.facts.concept_isolating_mask import ConceptIsolatingMask, concept_isolating
from jepa_plugins.facts.roles import Role
from tests.support import vocabulary as make_vocabulary

H, R, M, T = Role.HEAD, Role.RELATION, Role.MASK, Role.TAIL
FACT = [H, H, R, M, T, T]


class TestConceptIsolatingContract(MaskContract):
    def make(self):
        return ConceptIsolatingMask(first_upper=1, first_decoder=2)


def context(num_layers: int) -> BuildContext:
    return BuildContext(make_vocabulary({"<mask>": 0, "<pad>": 1}, (), 0, 1), width=8, num_layers=num_layers)


def seen(layer: int, tags: list[int], block: list[int]) -> list[list[int]]:
    tokens = Tokens.of(torch.tensor([tags]), torch.tensor([block]))
    return visible(ConceptIsolatingMask(1, 2), tokens, layer)[0].int().tolist()


def test_lower_layers_see_their_own_span():
    assert seen(0, FACT, [0] * 6) == [
        [1, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0],
        [0, 0, 1, 0, 0, 0],
        [0, 0, 0, 1, 0, 0],
        [0, 0, 0, 0, 1, 0],
        [0, 0, 0, 0, 1, 1],
    ]


def test_upper_layers_see_the_last_token_of_every_span():
    """The first token of a name stands in nobody's sight but its own."""
    assert seen(1, FACT, [0] * 6) == [
        [1, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 0],
        [0, 1, 1, 0, 0, 0],
        [0, 1, 1, 1, 0, 0],
        [0, 1, 1, 1, 1, 0],
        [0, 1, 1, 1, 0, 1],
    ]


def test_decoding_layers_see_the_mask_and_the_answer_so_far():
    assert seen(2, FACT, [0] * 6) == [
        [1, 0, 0, 0, 0, 0],
        [0, 1, 0, 0, 0, 0],
        [0, 0, 1, 0, 0, 0],
        [0, 0, 0, 1, 0, 0],
        [0, 0, 0, 1, 1, 0],
        [0, 0, 0, 1, 1, 1],
    ]


@pytest.mark.parametrize("layer", [0, 1, 2])
def test_two_blocks_never_see_each_other(layer):
    both = torch.tensor(seen(layer, FACT + FACT, [0] * 6 + [1] * 6))
    assert not both[:6, 6:].any()
    assert not both[6:, :6].any()
    assert both[:6, :6].tolist() == both[6:, 6:].tolist() == seen(layer, FACT, [0] * 6)


def test_layers_are_shared_out_from_both_ends():
    mask = concept_isolating(context(5), encoder_layers=2, decoder_layers=1)
    assert (mask.first_upper, mask.first_decoder) == (2, 4)


@pytest.mark.parametrize(("encoder", "decoder"), [(0, 0), (3, 0), (2, 1), (1, -1)])
def test_every_range_needs_layers(encoder, decoder):
    with pytest.raises(ComponentError, match=f"encoder_layers: {encoder} and decoder_layers: {decoder} of a model wi"):
        concept_isolating(context(3), encoder_layers=encoder, decoder_layers=decoder)


def test_declares_that_layers_differ_and_views_stay_apart():
    expected = MaskTraits(isolates_views=True, plain_block_causal=False, by_layer=True)
    assert MaskTraits.of(ConceptIsolatingMask(1, 2)) == expected
