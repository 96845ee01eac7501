from __future__ import annotations

import pytest
import torch

from jepa_core.model.double import in_double
from tests.families import a_model

IDS = torch.arange(6)[None]


def moved(model) -> float:
    """The distance by which the first five tokens move when the last one changes."""
    with torch.no_grad():
        one, other = (model.base_model(input_ids=ids).last_hidden_state for ids in (IDS, IDS.where(IDS != 5, 0)))
    return float((one - other)[:, :5].abs().max())


@pytest.mark.parametrize("kind", ["qwen3_moe", "mixtral", "gpt2"])
def test_rounding_is_gone_in_it_and_the_model_back_after_it(kind):
    model = a_model(kind)
    weights = [tensor.data_ptr() for tensor in (*model.parameters(), *model.buffers())]
    with torch.no_grad():
        before = model(input_ids=IDS).logits
    with pytest.raises(KeyError), in_double(model):
        assert model.dtype == torch.float64
        assert moved(model) == 0
        raise KeyError
    assert [tensor.data_ptr() for tensor in (*model.parameters(), *model.buffers())] == weights
    with torch.no_grad():
        assert torch.equal(model(input_ids=IDS).logits, before)
