"""The promises of a regularizer: :class:`jepa_core.components.Regularizer`."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from jepa_core.samples.draws import Draws
from jepa_core.testing.contract import ComponentContract, clause, expect_shape
from jepa_core.testing.examples import normal

N, D = 64, 8


class RegularizerContract(ComponentContract):
    """Subclass it and implement ``make``; see ``jepa_core.testing``."""

    kind = "regularizer"

    def draws(self, step: int = 0) -> Draws:
        return Draws(7, step, torch.zeros(0, dtype=torch.int64))

    def inputs(self) -> tuple:
        """embeddings ``n d``, and random numbers."""
        return normal(N, D), self.draws()

    def value(self, embeddings: Tensor) -> float:
        return float(self.call(self.make(), embeddings, self.draws()))

    @pytest.mark.parametrize("n", [0, 1, 2, N])
    @clause("a regularizer returns a scalar; of one embedding, and of none, too")
    def test_returns_a_scalar(self, n: int) -> None:
        embeddings = normal(N, D)[:n].requires_grad_()
        found = self.call(self.make(), embeddings, self.draws())
        expect_shape(found, "")
        assert found.isfinite(), f"not finite for {n} embeddings"
        assert found.requires_grad, "the result is cut off from the embeddings"

    @clause("embeddings that are all the same score worse than embeddings that differ")
    def test_collapse_costs(self) -> None:
        apart, collapsed = normal(N, D), normal(1, D).expand(N, D)
        assert self.value(collapsed) > self.value(apart), "collapsed embeddings are not punished"

    @clause("a step against the gradient makes it smaller")
    def test_descends(self) -> None:
        embeddings = (0.1 * normal(N, D) + 1).requires_grad_()
        before = self.call(self.make(), embeddings, self.draws())
        (gradient,) = torch.autograd.grad(before, embeddings)
        assert gradient.isfinite().all(), "the gradient is not finite"
        assert gradient.any(), "there is no gradient"
        smaller = embeddings.detach() - 1e-3 * gradient / gradient.norm()
        assert self.value(smaller) < before.item(), "a small step downhill goes up"

    @clause("the order of the embeddings does not matter")
    def test_order_does_not_matter(self) -> None:
        embeddings = normal(N, D)
        assert abs(self.value(embeddings.flip(0)) - self.value(embeddings)) < 1e-4 * max(1, abs(self.value(embeddings)))
