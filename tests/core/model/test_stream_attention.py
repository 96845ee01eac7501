"""Our attention in a model's layers: only while a stream runs, and nothing passes unseen."""

from __future__ import annotations

import pytest
import torch

from jepa_core.errors import ComponentError
from jepa_core.model.grouped_attention import Group, GroupedAttention
from jepa_core.model.stream_attention import as_mask, attend
from jepa_core.model.transformer import Transformer
from tests.families import hooks_on
from tests.support import small_model

IDS = torch.tensor([[1, 2, 3, 4, 5, 6]])
POSITIONS = torch.tensor([[0, 1, 2, 0, 1, 2]])
TWO_ROWS = GroupedAttention((Group(0, 6, 2, 3),), (None,))
ONE_ROW = GroupedAttention((Group(0, 6, 1, 6),), (None,))


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@torch.no_grad()
def test_each_layer_gets_its_own(kind, attention):
    """All tokens in the first layer, rows apart in the second: as two masks say it."""
    model = small_model(kind, attention).eval()
    with Transformer(model) as transformer:
        ours = transformer(IDS, POSITIONS, (ONE_ROW, TWO_ROWS), [1, 2])
        causal = torch.ones(6, 6).tril().bool()
        apart = torch.block_diag(torch.ones(3, 3), torch.ones(3, 3)).bool() & causal
        mask = torch.zeros(1, 2, 6, 6).masked_fill(~torch.stack([causal, apart]), torch.finfo().min)
        theirs = transformer(IDS, POSITIONS, mask, [1, 2])
    for layer in (1, 2):
        torch.testing.assert_close(ours[layer], theirs[layer], atol=1e-6, rtol=1e-5)


def test_the_model_s_own_attention_is_back_whatever_happens():
    class Broken:
        def __call__(self, *states, **options):
            raise ZeroDivisionError

    model = small_model("llama").eval()
    hooks = hooks_on(model)
    with Transformer(model) as transformer, torch.no_grad():
        before = model(IDS).logits
        for attentions, layers in (((TWO_ROWS, TWO_ROWS), [2]), ((TWO_ROWS, TWO_ROWS), [1])):  # the second leaves early
            transformer(IDS, POSITIONS, attentions, layers)
            assert model.config._attn_implementation == "sdpa"
        with pytest.raises(ZeroDivisionError):
            transformer(IDS, POSITIONS, (TWO_ROWS, Broken()), [2])
        assert model.config._attn_implementation == "sdpa"
        assert torch.equal(model(IDS).logits, before)
        assert hooks_on(model) > hooks
    del transformer
    assert hooks_on(model) == hooks


def test_another_attention_can_not_take_a_stream_for_a_mask():
    """The argument's shape is none that scores have."""
    states = torch.zeros(1, 4, 6, 8)
    with pytest.raises(RuntimeError, match="size"):
        torch.nn.functional.scaled_dot_product_attention(
            states, states, states, attn_mask=as_mask([TWO_ROWS], torch.device("cpu"))
        )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"s_aux": torch.zeros(4)}, "Linear asks its attention for s_aux, which a stream's does not do"),
        ({"position_bias": torch.zeros(4)}, "for position_bias"),
        ({"is_causal": False}, "Linear is not causal"),
    ],
)
def test_what_it_does_not_do_is_refused(options, told):
    states = torch.zeros(1, 4, 6, 8)
    mask = as_mask([TWO_ROWS], torch.device("cpu"))
    mask._jepa_stream = TWO_ROWS
    with pytest.raises(ComponentError, match=told):
        attend(torch.nn.Linear(1, 1), states, states, states, mask, **options)
    out, _ = attend(torch.nn.Linear(1, 1), states, states, states, mask, sliding_window=4, use_cache=False)
    assert out.shape == (1, 6, 4, 8)


def test_a_mask_that_got_lost_is_told():
    states = torch.zeros(1, 4, 6, 8)
    with pytest.raises(ComponentError, match="Linear does not hand its attention the mask"):
        attend(torch.nn.Linear(1, 1), states, states, states, None)
