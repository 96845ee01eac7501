"""Dependence between tokens, by gradients."""

from __future__ import annotations

import torch
from torch import nn

from jepa_core.model.probe import detached, influence

TABLE = nn.Embedding(5, 3)
IDS = torch.arange(4)[None]


def seen(mix: torch.Tensor) -> list[list[bool]]:
    (found,) = influence(lambda: [mix @ TABLE(IDS)], TABLE)
    return (found != 0).tolist()


def test_a_state_hangs_on_what_is_mixed_into_it():
    mix = torch.tensor([[1.0, 0, 0, 0], [1e-30, 1, 0, 0], [0, 0, 1, 0], [0, 1, 1, 0]])
    assert seen(mix) == (mix != 0).tolist()


def test_a_model_may_change_its_embeddings_in_place():
    (found,) = influence(lambda: [TABLE(IDS).mul_(2)], TABLE)
    assert torch.equal(found != 0, torch.eye(4).bool())


def test_nothing_hangs_on_what_does_not_come_from_the_table():
    (found,) = influence(lambda: [torch.ones(1, 4, 3)], TABLE)
    assert found.shape == (4, 4)
    assert not found.any()


def test_it_sees_through_detached_states_and_leaves_no_trace():
    before = TABLE(IDS).grad_fn
    (found,) = influence(lambda: [detached(TABLE(IDS))], TABLE)
    assert torch.equal(found != 0, torch.eye(4).bool())
    assert not detached(TABLE(IDS)).requires_grad
    assert TABLE.weight.grad is None
    assert not TABLE._forward_hooks
    assert before is not None
