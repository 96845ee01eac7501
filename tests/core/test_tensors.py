"""Tensors inside of things, and in double precision where a device has none."""

from __future__ import annotations

import torch

from jepa_core.evaluation.health import effective_rank, mean_cosine
from jepa_core.evaluation.ranks import score_tokens
from jepa_core.tensors import same, snapshot, wide


class WithoutDouble(torch.Tensor):
    """Refuses float64 as a tensor on Apple's MPS does."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        out = super().__torch_function__(func, types, args, kwargs or {})
        if isinstance(out, torch.Tensor) and out.dtype == torch.float64:
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype")
        return out


def without_double(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.as_subclass(WithoutDouble)


def test_wide_is_float64_everywhere():
    for dtype in (torch.float32, torch.bfloat16, torch.int64):
        tensor = torch.tensor([1, 2, 3], dtype=dtype)
        for given in (tensor, without_double(tensor)):
            assert torch.equal(wide(given), torch.tensor([1.0, 2, 3], dtype=torch.float64))
            assert type(wide(given)) is torch.Tensor
    assert not wide(torch.ones(1, requires_grad=True)).requires_grad


def test_nothing_that_measures_needs_float64_on_the_device():
    states, head = torch.arange(40.0).sin().view(5, 8), torch.arange(160.0).cos().view(8, 20)
    labels = torch.arange(5)
    expected = score_tokens(lambda some: some @ head, states, labels, 20)
    found = score_tokens(lambda some: some @ without_double(head), without_double(states), labels, 20)
    assert torch.equal(expected.rank, found.rank)
    assert torch.equal(expected.log_p, found.log_p)
    assert effective_rank(without_double(states)) == effective_rank(states)
    assert mean_cosine(without_double(states)) == mean_cosine(states)


def test_one_tensor_more_is_not_the_same():
    batch = {"ids": torch.arange(3)}
    before = snapshot(batch)
    assert same(batch, before)
    batch["mine"] = torch.zeros(1)
    assert not same(batch, before)


def test_not_a_number_is_as_it_was():
    states = torch.tensor([1.0, float("nan")])
    before = snapshot(states)
    assert same(states, before)
    assert not same(states.nan_to_num(2.0), before)
    assert not same(states.double(), before)
    assert not same(states[None], before)
