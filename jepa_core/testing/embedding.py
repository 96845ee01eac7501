"""What an embedding extractor promises: :class:`jepa_core.components.EmbeddingExtractor`."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from jepa_core.components import declared
from jepa_core.samples.samples import Role
from jepa_core.testing.contract import CompiledContract, clause, close, expect_shape
from jepa_core.testing.examples import facts, normal, rows_of_blocks

D = 8


class EmbeddingContract(CompiledContract):
    """Subclass it and implement ``make``; see ``jepa_core.testing``."""

    kind = "embedding"

    def inputs(self) -> tuple:
        return self.views()[0]

    def views(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        """hidden ``b s (l d)``, the layers asked for side by side, valid ``b s``, roles ``b s``: of a source with
        ``<PRED>``, of facts without."""
        layers = declared("embedding", self.make(), "layer")
        width = facts().ids.shape[1]
        source, plain = rows_of_blocks()[0][:, : width + 1], facts().roles
        d = D * len(layers) if isinstance(layers, tuple) else D
        return [(normal(*roles.shape, d), roles != Role.PAD, roles) for roles in (source, plain)]

    def call(self, component: Any, hidden: Tensor, valid: Tensor, roles: Tensor) -> Any:
        layers = declared("embedding", component, "layer")
        if isinstance(layers, tuple):
            return component(hidden.split(D, dim=-1), valid, roles)
        return component(hidden, valid, roles)

    def check_declarations(self, component: Any) -> None:
        layer = declared("embedding", component, "layer")
        several = isinstance(layer, tuple) and len(layer) > 0
        numbers = all(isinstance(one, int) for one in layer) if several else isinstance(layer, int)
        assert numbers, f"layer = {layer!r}: must be a number, or a tuple of some; 0 the embeddings, -1 the last"

    @pytest.mark.parametrize("b", [0, 1, 5])
    @clause("an extractor returns one vector a view, 'b d'; of one view, and of none, too")
    def test_returns_one_vector_a_view(self, b: int) -> None:
        component = self.make()
        for view in self.views():
            expect_shape(self.call(component, *(part[:b] for part in view)), "b d", b=b, d=D)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
    @clause("embedding and gradient are finite in fp32 and bf16, for hidden states of 0 or 1000, too")
    def test_is_finite(self, dtype: torch.dtype) -> None:
        component = self.make()
        if isinstance(component, nn.Module):
            component.to(dtype)
        hidden, valid, roles = self.inputs()
        scale = torch.tensor([1.0, 0.0, 1e3, 1e-3, 1.0])[:, None, None]
        hidden = (hidden * scale).to(dtype).requires_grad_()
        result = self.call(component, hidden, valid, roles)
        assert result.isfinite().all(), "the embedding is not finite"
        (gradient,) = torch.autograd.grad(result.sum(), hidden)
        assert gradient.isfinite().all(), "the gradient is not finite"

    @clause("an embedding depends on the view's valid tokens only: padding never changes a number")
    def test_reads_valid_tokens_only(self) -> None:
        component = self.make()
        for hidden, valid, roles in self.views():
            expected = self.call(component, hidden, valid, roles)
            other = hidden.where(valid[..., None], 7 * normal(*hidden.shape, seed=3))
            assert close(self.call(component, other, valid, roles), expected), "it reads padding"
            room = torch.zeros_like(roles[:, :3])
            more = 7 * normal(*room.shape, hidden.shape[-1])
            wider = torch.cat([hidden, more], 1), torch.cat([valid, room.bool()], 1), torch.cat([roles, room], 1)
            found = self.call(component, *wider)
            assert close(found, expected), "more columns of padding change it"

    @clause("a view's embedding does not depend on the other views of the batch")
    def test_views_stand_alone(self) -> None:
        component, view = self.make(), self.inputs()
        together = self.call(component, *view)
        for i in range(len(together)):
            alone = self.call(component, *(part[i : i + 1] for part in view))
            assert close(alone, together[i : i + 1]), f"view {i} has another embedding when it is alone"

    @clause("gradient reaches the hidden states of every view")
    def test_gradient_reaches_every_view(self) -> None:
        hidden, valid, roles = self.inputs()
        hidden.requires_grad_()
        result = self.call(self.make(), hidden, valid, roles)
        assert result.requires_grad, "the embedding is detached from the hidden states"
        (gradient,) = torch.autograd.grad((result * normal(*result.shape, seed=4)).sum(), hidden)
        without = (~gradient.flatten(1).any(dim=1)).nonzero().flatten().tolist()
        assert not without, f"no gradient reaches view {without}"
