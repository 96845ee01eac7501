"""Trials of what models do with masks and position ids."""

from __future__ import annotations

import pytest
import torch

from jepa_core.errors import ComponentError
from jepa_core.model.fittings import Fittings
from jepa_core.model.transformer import Transformer
from jepa_core.model.trials import Trials
from tests.families import a_model
from tests.support import small_model


def trials(kind: str, attention: str = "eager", **config) -> Trials:
    return Trials(Fittings.of(a_model(kind, attention, **config)))


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("kind", ["gpt2", "llama", "opt", "gpt_neox", "gemma3_text", "qwen3_moe"])
def test_masks_that_are_what_tokens_see_by(kind, attention):
    tried = trials(kind, attention)
    assert tried.mask_problem is None
    assert tried.layer_mask_problem is None
    assert tried.takes_positions
    assert tried.reads_work()


def test_a_recurrent_model_sees_past_a_mask():
    tried = trials("mamba")
    assert tried.mask_problem
    assert tried.layer_mask_problem == tried.mask_problem
    assert not tried.takes_positions
    assert not tried.numbers_tokens
    with pytest.raises(ComponentError, match=r"MambaForCausalLM can't be given a mask \(.*layout: rows"):
        Transformer(a_model("mamba")).refuse_masks()


def test_a_mask_for_all_layers_where_each_should_have_its_own():
    """A stack reaches every layer whole, without the hooks that hand out its masks."""
    model = small_model()
    fittings = Fittings.of(model)
    for block in fittings.anatomy.blocks:
        mask_hook = next(iter(block._forward_pre_hooks))
        del block._forward_pre_hooks[mask_hook]
    tried = Trials(fittings)
    assert tried.mask_problem is None
    assert tried.layer_mask_problem is not None


def test_positions_that_are_counted_in_the_model():
    tried = trials("bart")
    assert not tried.takes_positions
    assert tried.numbers_tokens
    transformer = Transformer(a_model("bart"))
    transformer.check("restart")
    for positions, packed in (("continue", False), ("restart", True)):
        with pytest.raises(ComponentError, match=r"takes no position ids .*positions: restart with layout: rows"):
            transformer.check(positions, packed)


def test_positions_that_begin_at_another_number():
    """Saved, and read by plain transformers, it would be another model than was trained."""
    with pytest.raises(ComponentError, match=r"counts positions in its own way than with 0, 1, 2"):
        Transformer(a_model("roberta", is_decoder=True, pad_token_id=1)).check()


@pytest.mark.parametrize("kind", ["bart", "blenderbot-small"])
def test_positions_of_its_own_are_an_order(kind):
    assert trials(kind, d_model=32, decoder_layers=2, decoder_ffn_dim=64, decoder_attention_heads=4).order_problem()


def test_relative_positions_need_no_ids():
    tried = trials("bloom")
    assert not tried.takes_positions
    assert not tried.numbers_tokens
    Transformer(a_model("bloom")).check()


def test_a_leak_that_no_gradient_shows_is_found_by_its_size():
    """The last token's id, rounded to a sign, is added to all."""
    model = small_model()

    def leak(module, args, out):
        return out + (out[:, -1:].detach().sign() if out.shape[1] > 1 else 0)

    model.transformer.wte.register_forward_hook(leak)
    with pytest.raises(ComponentError, match="is not causal"):
        Transformer(model).check()


def test_a_leak_too_small_for_its_size_is_found_by_gradients():
    model = small_model()
    model.transformer.h[0].register_forward_hook(lambda block, args, out: out + 1e-12 * args[0].sum(1, keepdim=True))
    with pytest.raises(ComponentError, match="is not causal"):
        Transformer(model).check()


def test_layers_that_run_twice():
    model = small_model()
    block = model.transformer.h[0]
    inner = block.forward
    block.register_forward_hook(lambda module, args, out: module.again(args[0]) if hasattr(module, "again") else None)
    block.again = lambda states: inner(states)
    Transformer(model).check()
    model.transformer.h[1].register_forward_hook(lambda module, args, out: block(out))
    with pytest.raises(ComponentError, match="its 2 layers do not run once each"):
        Transformer(model).check()


def test_states_that_are_no_numbers():
    model = small_model()
    with torch.no_grad():
        model.transformer.wte.weight[1] = torch.nan
    with pytest.raises(ComponentError, match="hidden states are not finite"):
        Transformer(model).check()


def test_what_a_model_raises_is_told():
    model = a_model("llama", num_key_value_heads=4)
    model.model.layers[1].self_attn.k_proj = torch.nn.Linear(32, 24)
    with pytest.raises(ComponentError, match=r"LlamaForCausalLM can't run this configuration: .*size"):
        Transformer(model).check()


def test_nothing_is_left_changed():
    model = small_model().train()
    model.transformer.drop.eval()
    weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state = torch.random.get_rng_state()
    Transformer(model).check()
    assert [model.training, model.transformer.drop.training] == [True, False]
    assert all(torch.equal(weights[name], tensor) for name, tensor in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert torch.equal(torch.random.get_rng_state(), state)


def test_nothing_is_said_of_padding(monkeypatch):
    """The tokens that it is tried with are any, the model's padding may be among them."""
    model, looked = small_model(pad_token_id=3), []
    name = "warn_if_padding_and_no_attention_mask"
    monkeypatch.setattr(type(model.base_model), name, lambda self, ids, mask: looked.append(mask))
    Transformer(model).check()
    assert [mask for mask in looked if mask is None] == []
    model(input_ids=torch.tensor([[3]]))
    assert looked[-1] is None
