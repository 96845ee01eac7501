"""Chunked cross-entropy: the same numbers, fewer logits at once."""

from __future__ import annotations

import pytest
import torch

from jepa_core.objective import cross_entropy
from jepa_core.objective.cross_entropy import cross_entropy_sum


@pytest.mark.parametrize("chunk", [7, 28, 1000])
def test_chunks_give_the_same_sum_and_gradients(monkeypatch, chunk):
    torch.manual_seed(0)
    states, labels = torch.randn(9, 4, requires_grad=True), torch.randint(7, (9,))
    head = torch.nn.Linear(4, 7, bias=False)
    monkeypatch.setattr(cross_entropy, "CHUNK", chunk)
    most = []

    def logits_of(some):
        most.append(len(some))
        return head(some)

    total = cross_entropy_sum(logits_of, states, labels, vocab=7)
    assert max(most) == min(chunk // 7, 9)
    by_hand = -head(states).log_softmax(-1)[range(9), labels].sum()
    torch.testing.assert_close(total, by_hand)
    for ours, theirs in zip(
        torch.autograd.grad(total, [states, head.weight]),
        torch.autograd.grad(by_hand, [states, head.weight]),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs)


def test_no_label_costs_nothing():
    states = torch.zeros(0, 4, requires_grad=True)
    assert cross_entropy_sum(torch.nn.Linear(4, 7), states, torch.zeros(0, dtype=torch.int64), vocab=7) == 0
