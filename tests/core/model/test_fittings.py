"""One set of hooks on a model, and none when nobody needs it."""

from __future__ import annotations

import copy
import gc

import pytest
import torch

from jepa_core.errors import ComponentError
from jepa_core.model.fittings import Fittings
from jepa_core.model.transformer import Transformer
from tests.families import a_model, hooks_on
from tests.support import small_batch, small_model, small_objective

IDS = torch.tensor([[1, 2, 3, 4]])


def test_a_second_transformer_adds_none_and_the_last_one_leaves_none():
    model = small_model()
    assert hooks_on(model) == 0
    first = Transformer(model)
    count = hooks_on(model)
    assert count == 6  # a mask and a way out before each of two layers, and two on the last MLP
    second = Transformer(model)
    assert hooks_on(model) == count
    first.close()
    assert hooks_on(model) == count
    assert second(IDS, IDS, None, [2])[2].shape == (1, 4, 32)
    del second
    gc.collect()
    assert hooks_on(model) == 0


def test_a_closed_one_leaves_none_though_a_traceback_holds_what_it_ran():
    model = small_model()
    with Transformer(model) as transformer, pytest.raises(IndexError) as error:
        transformer(IDS + 1000, IDS, None, [2])
    assert hooks_on(model) == 0
    with Transformer(model) as another:
        assert hooks_on(model) == 6
        assert another(IDS, IDS, None, [2])[2].shape == (1, 4, 32)
    assert hooks_on(model) == 0
    assert error.value.__traceback__ is not None


def test_a_copy_of_a_model_in_use_starts_clean():
    model = small_model()
    transformer = Transformer(model)
    transformer.detach_after(1)
    twin = copy.deepcopy(model)
    of_twin = Transformer(twin)
    assert hooks_on(twin) == 6
    of_twin(IDS, IDS, None, [2])[2].sum().backward()
    assert twin.transformer.h[0].mlp.c_fc.weight.grad is not None
    of_twin.close()
    assert hooks_on(twin) == 0
    assert hooks_on(model) == 7


def test_a_closed_one_does_not_run():
    transformer = Transformer(small_model())
    transformer.close()
    transformer.close()
    with pytest.raises(RuntimeError, match="closed"):
        transformer(IDS, IDS, None, [2])


def test_gradients_flow_again_once_closed():
    model = small_model()
    with Transformer(model) as transformer:
        transformer.detach_after(1)
        transformer(IDS, IDS, None, [2])[2].sum().backward()
        assert model.transformer.h[0].mlp.c_fc.weight.grad is None
    model(input_ids=IDS).logits.sum().backward()
    assert model.transformer.h[0].mlp.c_fc.weight.grad is not None


@pytest.mark.parametrize("kind", ["gpt2", "llama", "opt", "gpt_neox", "gemma2", "mixtral"])
def test_the_final_norm_is_found(kind):
    model = a_model(kind)
    transformer = Transformer(model)
    before = []
    transformer.blocks[-1].register_forward_hook(lambda block, args, out: before.append(out))
    last = transformer(IDS, IDS, None, [2])[2]
    given = before[0][0] if isinstance(before[0], tuple) else before[0]
    assert torch.equal(transformer.final_norm(given), last)
    assert not torch.allclose(given, last)


def test_a_model_without_one_has_the_identity():
    model = a_model("bert", is_decoder=True)
    assert isinstance(Transformer(model).final_norm, torch.nn.Identity)


def test_layers_that_hold_no_state_a_token_can_not_be_read():
    fittings = Fittings.of(small_model())
    block = fittings.anatomy.blocks[1]
    handle = block.register_forward_pre_hook(lambda block, args: (args[0], *args[1:]))
    fittings.anatomy.config.hidden_size = 31
    with pytest.raises(ComponentError, match="layer 1 has no one state a token"):
        fittings.run(IDS, IDS, None, [1])
    handle.remove()


def test_the_model_does_not_look_for_padding_while_it_runs_and_can_again_after():
    """A search for padding, to warn of it, reads the input on the host, and so waits for the device."""
    model = small_model(pad_token_id=3)
    looked = []
    model.base_model.__class__.warn_if_padding_and_no_attention_mask, before = (
        lambda self, ids, mask: looked.append(1),
        model.base_model.__class__.warn_if_padding_and_no_attention_mask,
    )
    try:
        ids = torch.tensor([[3, 4, 5]])
        with Transformer(model) as transformer:
            transformer(ids, torch.arange(3)[None], None, [2])
        assert looked == []
        model(input_ids=ids)
        assert looked == [1]
    finally:
        model.base_model.__class__.warn_if_padding_and_no_attention_mask = before


def test_a_compiled_pass_is_the_same():
    """Dynamo does not follow what is set on the model for a while and taken off again."""
    objective = small_objective(small_model(), layout="rows")
    plan = objective.plan(small_batch())
    expected = objective(plan=plan).loss
    compiled = torch.compile(objective, backend="eager")
    torch.testing.assert_close(compiled(plan=plan).loss, expected)
