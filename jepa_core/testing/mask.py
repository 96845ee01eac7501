"""The promises of a mask builder: :class:`jepa_core.components.MaskBuilder`."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
import torch
from torch import Tensor

from jepa_core.components import MaskTraits
from jepa_core.samples.samples import PAD
from jepa_core.testing.contract import CompiledContract, clause
from jepa_core.testing.examples import tokens
from jepa_core.views.row_tokens import Tokens
from jepa_core.views.visibility import visible


def cut(some: Tokens, rows: slice, columns: slice = slice(None)) -> Tokens:
    """Takes rows and columns out of the tokens' fields."""
    return Tokens(**{f.name: getattr(some, f.name)[rows, columns] for f in fields(some)})


class MaskContract(CompiledContract):
    """Subclass it and implement ``make``; see ``jepa_core.testing``."""

    kind = "mask"
    num_layers = 3

    def make_tokens(self) -> Tokens:
        """The tokens of packed rows ``b t``. Override it for masks that read other layouts."""
        return tokens()

    def inputs(self) -> tuple:
        return self.make_tokens().unsqueeze(-1), self.make_tokens().unsqueeze(-2), 0

    def seen(self, component: Any, some: Tokens) -> Tensor:
        """Visibility between real tokens under the component, ``layer b t t`` bool."""
        real = some.tag != PAD
        both = real[:, :, None] & real[:, None, :]
        return torch.stack([visible(component, some, layer) & both for layer in range(self.num_layers)])

    @pytest.mark.parametrize("b", [0, 1, 5])
    @clause("a mask builder returns bool that broadcasts to 'b t t'; for one row, and for none, too")
    def test_returns_bool_that_broadcasts(self, b: int) -> None:
        some = cut(self.make_tokens(), slice(b))
        b, t = some.tag.shape
        for layer in range(self.num_layers):
            result = self.call(self.make(), some.unsqueeze(-1), some.unsqueeze(-2), layer)
            assert isinstance(result, Tensor), f"returned {type(result).__name__}, not a tensor"
            assert result.dtype == torch.bool, f"returned {result.dtype}: additive masks are the core's work"
            fits = result.dim() <= 3 and all(
                have in (1, want) for have, want in zip(reversed(result.shape), (t, t, b), strict=False)
            )
            assert fits, f"returned shape {tuple(result.shape)}, which does not broadcast to {(b, t, t)}"

    @clause("what a row sees does not depend on the other rows of the batch")
    def test_rows_stand_alone(self) -> None:
        component, some = self.make(), self.make_tokens()
        together = self.seen(component, some)
        for i in range(len(some.tag)):
            alone = self.seen(component, cut(some, slice(i, i + 1)))
            assert torch.equal(alone, together[:, i : i + 1]), f"row {i} sees something else when it is alone"

    @clause("padding never changes what real tokens see")
    def test_padding_does_not_matter(self) -> None:
        component, some = self.make(), self.make_tokens()
        t = some.tag.shape[1]
        room = torch.zeros_like(some.tag[:, :3])
        block = torch.cat([some.block, some.block[:, -1:] + room], dim=1)
        wider = Tokens.of(torch.cat([some.tag, room], dim=1), block)
        found = self.seen(component, wider)[..., :t, :t]
        assert torch.equal(found, self.seen(component, some)), "more columns of padding change it"

    @clause("isolates_views = True means that no token sees another block, in any layer")
    def test_isolates_views_as_declared(self) -> None:
        component, some = self.make(), self.make_tokens()
        if not MaskTraits.of(component).isolates_views:
            return
        crossing = self.seen(component, some) & (some.block[:, :, None] != some.block[:, None, :])
        where = crossing.nonzero().tolist()
        assert not where, f"(layer, row, query, key) {where[0]} crosses; declare isolates_views = False"

    @clause("plain_block_causal = True means exactly 'earlier in the same block', in every layer")
    def test_plain_block_causal_as_declared(self) -> None:
        component, some = self.make(), self.make_tokens()
        if not MaskTraits.of(component).plain_block_causal:
            return
        plain = self.seen(lambda query, key, layer: query.block == key.block, some)
        where = (self.seen(component, some) != plain).nonzero().tolist()
        assert not where, f"(layer, row, query, key) {where[0]} differs; don't declare plain_block_causal"

    @clause("by_layer = False means that every layer sees the same")
    def test_by_layer_as_declared(self) -> None:
        component = self.make()
        if MaskTraits.of(component).by_layer:
            return
        first, *others = self.seen(component, self.make_tokens())
        for layer, other in enumerate(others, start=1):
            assert torch.equal(first, other), f"layer {layer} differs from layer 0; declare by_layer = True"
