"""The promises of a predictor: :class:`jepa_core.components.Predictor`."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from jepa_core.components import PredictorTraits
from jepa_core.testing.contract import CompiledContract, clause, close, expect_shape
from jepa_core.testing.examples import normal

N, D = 5, 8


class PredictorContract(CompiledContract):
    """Subclass it and implement ``make``, for a width of 8; see ``jepa_core.testing``."""

    kind = "predictor"

    def inputs(self) -> tuple:
        """state ``n d`` and condition ``n d``."""
        return normal(N, D, seed=1), normal(N, D, seed=2)

    def conditions(self) -> list[Tensor | None]:
        """The conditions that a predictor has to take: a tensor ``n d``, and None unless it declares a need."""
        given = self.inputs()[1]
        return [given] if PredictorTraits.of(self.make()).needs_condition else [given, None]

    @pytest.mark.parametrize("n", [0, 1, N])
    @clause("a predictor returns one vector a pair, 'n d'; of one pair, and of none, too")
    def test_returns_one_vector_a_pair(self, n: int) -> None:
        component, (state, _) = self.make(), self.inputs()
        for condition in self.conditions():
            expect_shape(self.call(component, state[:n], None if condition is None else condition[:n]), "n d", n=n, d=D)

    @clause("what is predicted for a pair does not depend on the other pairs")
    def test_pairs_stand_alone(self) -> None:
        component, (state, condition) = self.make(), self.inputs()
        together = self.call(component, state, condition)
        alone = [self.call(component, state[i : i + 1], condition[i : i + 1]) for i in range(N)]
        assert close(torch.cat(alone), together), "a pair by itself is predicted otherwise"

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
    @clause("the prediction has the state's dtype, and is finite with its gradient, for states of 0 and 1000, too")
    def test_is_finite(self, dtype: torch.dtype) -> None:
        component, (state, condition) = self.make(), self.inputs()
        for scale in (0.0, 1.0, 1000.0):
            given = (state * scale).to(dtype).requires_grad_()
            found: Any = self.call(component, given, condition.to(dtype))
            assert found.dtype == dtype, f"the state is {dtype} and the prediction {found.dtype}"
            found.float().sum().backward()
            assert given.grad is not None, "no gradient reaches the state"
            finite = found.isfinite().all() and given.grad.isfinite().all()
            assert finite, f"not finite for states times {scale:g}"
