from __future__ import annotations

import torch
from torch import nn

from jepa_core.model.layer_mask import LayerMask, of_layers

MODULE = nn.Identity()


def test_a_layer_gets_its_own_mask_by_place_or_by_name():
    stack = of_layers(torch.arange(2 * 3 * 4 * 4.0).view(2, 3, 4, 4))
    args, kwargs = LayerMask(1)(MODULE, (7, stack), {"attention_mask": stack, "other": "x"})
    assert torch.equal(args[1], stack[:, 1:2])
    assert torch.equal(kwargs["attention_mask"], stack[:, 1:2])
    assert (args[0], kwargs["other"]) == (7, "x")


def test_what_a_model_made_itself_stays_whole():
    """One mask a head has the shape of a stack: Falcon's and MPT's biases are such."""
    by_head, one = torch.zeros(2, 3, 4, 4), of_layers(torch.zeros(2, 1, 4, 4))
    args, kwargs = LayerMask(1)(MODULE, (by_head,), {"mask": one})
    assert args[0] is by_head
    assert kwargs["mask"] is one
