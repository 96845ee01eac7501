"""The promises of a distance: :class:`jepa_core.components.DistanceFunction`."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.functional import cosine_similarity, normalize

from jepa_core.components import DistanceTraits
from jepa_core.testing.contract import CompiledContract, call_signature, clause, close, expect_shape
from jepa_core.testing.examples import normal

N, D = 7, 8


class DistanceContract(CompiledContract):
    """Subclass it and implement ``make``; see ``jepa_core.testing``."""

    kind = "distance"

    def make_needs(self, n: int) -> dict[str, Tensor]:
        """Makes the distance's ``needs``, by name, for `n` pairs. Override it for needs without an example here.

        A tensor whose first axis is n belongs to the pairs; any other is the same for all of them.
        """
        examples = {"entity_ids": torch.arange(n) // 2 + 100, "right_ids": torch.arange(n)[:, None] // 2 + 100}
        needs = DistanceTraits.of(self.make()).needs
        missing = [need for need in needs if need not in examples]
        if missing:
            pytest.fail(f"no example of what the distance needs, {missing}: override make_needs(n)")
        return {need: examples[need] for need in needs}

    def closeness(self, predicted: Tensor, target: Tensor) -> Tensor:
        """The closeness ``n`` of each pair's sides, larger is closer. Override it where cosine is no measure."""
        return cosine_similarity(predicted, target)

    def inputs(self) -> tuple:
        return self.pairs(N)

    def pairs(self, n: int) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Makes predicted ``n d``, target ``n d`` and the needs of `n` pairs."""
        return normal(n, D, seed=1), normal(n, D, seed=2), self.make_needs(n)

    def call(self, component: Any, *args: Any) -> Any:
        predicted, target, needs = args
        return component(predicted, target, **needs)

    def gradients(self, component: Any, predicted: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """The gradients of the summed distance with respect to both sides; 0 where none arrives."""
        sides = [side.clone().requires_grad_() for side in (predicted, target)]
        total = self.call(component, *sides, self.make_needs(len(predicted))).sum()
        if not total.requires_grad:
            return torch.zeros_like(predicted), torch.zeros_like(target)
        first, second = torch.autograd.grad(total, sides, allow_unused=True, materialize_grads=True)
        return first, second

    def check_declarations(self, component: Any) -> None:
        needs = DistanceTraits.of(component).needs
        parameters = list(call_signature(component).parameters.values())
        if any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters):
            return
        taken = [p for p in parameters[2:] if p.kind is not inspect.Parameter.VAR_POSITIONAL]
        unknown = sorted(set(needs) - {p.name for p in taken})
        silent = sorted({p.name for p in taken if p.default is inspect.Parameter.empty} - set(needs))
        assert not unknown, f"it declares that it needs {unknown}, and takes no such keyword"
        assert not silent, f"it takes {silent} without a default, and does not declare that it needs them"

    @pytest.mark.parametrize("n", [0, 1, N])
    @clause("a distance returns one floating-point number a pair, 'n'; of one pair, and of none, too")
    def test_returns_one_number_a_pair(self, n: int) -> None:
        component = self.make()
        result = self.call(component, *self.pairs(n))
        expect_shape(result, "n", n=n)
        assert result.is_floating_point(), f"returned {result.dtype}"
        gradient, _ = self.gradients(component, *self.pairs(n)[:2])
        assert gradient.isfinite().all(), "its gradient is not finite"

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
    @clause("distance and gradient are finite in fp32 and bf16: equal, opposite, zero, large, small inputs")
    def test_is_finite(self, dtype: torch.dtype) -> None:
        component = self.make()
        if isinstance(component, nn.Module):
            component.to(dtype)
        some = normal(1, D)
        predicted = torch.cat([some, some, 0 * some, 0 * some, 1e3 * some, 1e-3 * some, normal(1, D, seed=1)])
        target = torch.cat([some, -some, 0 * some, some, some, some, normal(1, D, seed=2)])
        predicted, target = predicted.to(dtype), target.to(dtype)
        result = self.call(component, predicted, target, self.make_needs(N))
        assert result.isfinite().all(), f"distances {result.tolist()}"
        gradients = self.gradients(component, predicted, target)
        for side, gradient in zip(("predicted", "target"), gradients, strict=True):
            rows = (~gradient.isfinite().all(dim=1)).nonzero().flatten().tolist()
            assert not rows, f"the gradient at {side} is not finite in row {rows}"

    @clause("smaller is closer: gradient descent on the distance brings the prediction to its target")
    def test_descent_brings_the_prediction_closer(self) -> None:
        component, (predicted, target, _) = self.make(), self.pairs(N)
        moved = predicted.clone()
        for _ in range(20):
            moved -= 0.1 * normalize(self.gradients(component, moved, target)[0], dim=1)
        before, after = (self.closeness(p, target).mean().item() for p in (predicted, moved))
        assert after > before, f"closeness went from {before:.3f} to {after:.3f}; is the sign wrong?"

    @clause("gradient reaches both sides; which of them is stopped is for the recipe to say")
    def test_gradient_reaches_both_sides(self) -> None:
        predicted, target = self.gradients(self.make(), *self.pairs(N)[:2])
        assert predicted.any(), "no gradient reaches predicted"
        assert target.any(), "no gradient reaches target"

    @clause("the order of the pairs does not matter")
    def test_order_of_pairs_does_not_matter(self) -> None:
        component, (predicted, target, needs) = self.make(), self.pairs(N)
        order = torch.arange(N).roll(3)
        moved = {name: need[order] if need.shape[:1] == (N,) else need for name, need in needs.items()}
        expected = self.call(component, predicted, target, needs)[order]
        found = self.call(component, predicted[order], target[order], moved)
        assert close(found, expected), "pairs in another order have other distances"

    @clause("decomposable = True means that a pair's distance does not depend on the other pairs")
    def test_decomposable_pairs_stand_alone(self) -> None:
        component, (predicted, target, needs) = self.make(), self.pairs(N)
        if not DistanceTraits.of(component).decomposable:
            return
        together = self.call(component, predicted, target, needs)
        for i in range(N):
            own = {name: need[i : i + 1] if need.shape[:1] == (N,) else need for name, need in needs.items()}
            alone = self.call(component, predicted[i : i + 1], target[i : i + 1], own)
            assert close(alone, together[i : i + 1]), (
                f"pair {i} alone: {alone.item():.4g}, among others: {together[i].item():.4g}; "
                "declare decomposable = False"
            )
