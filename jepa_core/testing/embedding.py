"""The promises of an embedding extractor: :class:`jepa_core.components.EmbeddingExtractor`."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from jepa_core.components import EmbeddingTraits
from jepa_core.samples.samples import PAD
from jepa_core.testing.contract import CompiledContract, clause, close, expect_shape
from jepa_core.testing.examples import normal, rows_of_blocks, samples

D = 8


class EmbeddingContract(CompiledContract):
    """Subclass it and implement ``make``; see ``jepa_core.testing``."""

    kind = "embedding"

    def inputs(self) -> tuple:
        return self.views()[0]

    def views(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Makes hidden ``b s d``, valid ``b s`` and tags ``b s`` of sources with ``<PRED>``, and of samples without."""
        width = samples().ids.shape[1]
        source, plain = rows_of_blocks()[0][:, : width + 1], samples().tags
        return [(normal(*tags.shape, D), tags != PAD, tags) for tags in (source, plain)]

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
        hidden, valid, tags = self.inputs()
        scale = torch.tensor([1.0, 0.0, 1e3, 1e-3, 1.0])[:, None, None]
        hidden = (hidden * scale).to(dtype).requires_grad_()
        result = self.call(component, hidden, valid, tags)
        assert result.isfinite().all(), "the embedding is not finite"
        (gradient,) = torch.autograd.grad(result.sum(), hidden)
        assert gradient.isfinite().all(), "the gradient is not finite"

    @clause("an embedding depends on the view's valid tokens only: padding never changes a number")
    def test_reads_valid_tokens_only(self) -> None:
        component = self.make()
        for hidden, valid, tags in self.views():
            expected = self.call(component, hidden, valid, tags)
            other = hidden.where(valid[..., None], 7 * normal(*hidden.shape, seed=3))
            assert close(self.call(component, other, valid, tags), expected), "it reads padding"
            room = torch.zeros_like(tags[:, :3])
            more = 7 * normal(*room.shape, hidden.shape[-1])
            wider = torch.cat([hidden, more], 1), torch.cat([valid, room.bool()], 1), torch.cat([tags, room], 1)
            found = self.call(component, *wider)
            assert close(found, expected), "more columns of padding change it"

    @clause("reads says which positions it looks at: what stands at the others never changes a number")
    def test_reads_as_declared(self) -> None:
        component = self.make()
        reads = EmbeddingTraits.of(component).reads
        if reads is None:
            return
        for hidden, valid, tags in self.views():
            chosen = reads(valid, tags)
            expect_shape(chosen, "b s", b=len(valid), s=valid.shape[1])
            assert chosen.dtype == torch.bool, f"reads returns {chosen.dtype}, not bool"
            other = hidden.where(chosen[..., None], 7 * normal(*hidden.shape, seed=3))
            expected = self.call(component, hidden, valid, tags)
            assert close(self.call(component, other, valid, tags), expected), "it looks at more than reads says"

    @clause("a view's embedding does not depend on the other views of the batch")
    def test_views_stand_alone(self) -> None:
        component, view = self.make(), self.inputs()
        together = self.call(component, *view)
        for i in range(len(together)):
            alone = self.call(component, *(part[i : i + 1] for part in view))
            assert close(alone, together[i : i + 1]), f"view {i} has another embedding when it is alone"

    @clause("gradient reaches the hidden states of every view")
    def test_gradient_reaches_every_view(self) -> None:
        hidden, valid, tags = self.inputs()
        hidden.requires_grad_()
        result = self.call(self.make(), hidden, valid, tags)
        assert result.requires_grad, "the embedding is detached from the hidden states"
        (gradient,) = torch.autograd.grad((result * normal(*result.shape, seed=4)).sum(), hidden)
        without = (~gradient.flatten(1).any(dim=1)).nonzero().flatten().tolist()
        assert not without, f"no gradient reaches view {without}"
