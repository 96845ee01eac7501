"""Hidden states by block, wherever the calls have them."""

from __future__ import annotations

import torch

from jepa_core.objective.hidden import LayerStates
from jepa_core.objective.plan import PlannedView

FLAT = torch.arange(12.0).view(6, 2)
STATES = LayerStates(FLAT, (torch.tensor([[0, 1], [4, 5]]), torch.tensor([[3, 2]])))


def test_blocks_are_gathered_from_the_flat_tokens():
    assert len(STATES) == 2
    assert STATES[0].tolist() == [[[0, 1], [2, 3]], [[8, 9], [10, 11]]]
    assert STATES[1].tolist() == [[[6, 7], [4, 5]]]


def test_single_tokens_and_views():
    assert STATES.at(0, torch.tensor([1, 0]), torch.tensor([1, 0])).tolist() == [[10, 11], [0, 1]]
    view = PlannedView(0, torch.tensor([1]), torch.tensor([[True, False]]))
    assert STATES.view(view).tolist() == [[[8, 9], [10, 11]]]


def test_gradients_add_up_where_a_token_is_read_twice():
    flat = FLAT.clone().requires_grad_()
    LayerStates(flat, (torch.tensor([[2, 2, 0]]),))[0].sum().backward()
    assert flat.grad[:, 0].tolist() == [1, 0, 2, 0, 0, 0]
