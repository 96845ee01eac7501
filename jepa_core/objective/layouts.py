"""Layouts: ways to run a plan's blocks through the transformer. All give the same numbers.

A layout arranges blocks into calls, on the host, and each call is told who sees whom in it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import torch
from torch import Tensor

from jepa_core.components import MaskBuilder, MaskTraits
from jepa_core.errors import ComponentError
from jepa_core.model.stream_attention import Attentions
from jepa_core.model.transformer import Transformer
from jepa_core.objective.arrangement import Arrange, Arrangement, Block, Call, one_block_a_row, side_by_side
from jepa_core.objective.attention_mask import Masks
from jepa_core.objective.cheapest import Cheapest, call_cost
from jepa_core.objective.flat import Flat
from jepa_core.objective.hidden import HiddenStates, LayerStates
from jepa_core.objective.plan import Plan

#: With more elements of a packed mask than this, rows × different layers × tokens², ``auto`` takes a stream instead:
#: 1 GB in fp32, which a batch of 64 under one mask reaches at rows of 2,048 tokens.
MANY = 2**28
#: With more, it is refused: 8 GB in fp32, which a batch of 8 under one mask reaches at rows of 16,384 tokens.
MOST = 2**31


@dataclass(frozen=True)
class Layout:
    """arrange: blocks to calls; mask: a call's additive mask, or its layers' attention (see :class:`Transformer`), or
    None for causal."""

    name: str
    arrange: Arrange
    mask: Callable[[Call], Tensor | Attentions | None]

    def run(
        self,
        plan: Plan,
        transformer: Transformer,
        layers: Collection[int],
        only_reads: bool,
        around: Callable[[int], AbstractContextManager] = nullcontext,
    ) -> HiddenStates:
        """Runs all blocks; returns their hidden states at the `layers` asked for.

        only_reads: leaves those of the last layer that nothing reads unfinished; around: the context that a call of
        this number runs in."""
        calls = plan.arrangement.calls
        found = []
        all_reads = plan.reads if only_reads and plan.reads else (None,) * len(calls)
        for number, (call, reads) in enumerate(zip(calls, all_reads, strict=True)):
            with around(number):
                found.append(transformer(call.ids, call.positions, self.mask(call), layers, reads))
        return {
            layer: LayerStates(torch.cat([states[layer].flatten(0, 1) for states in found]), plan.arrangement.places)
            for layer in layers
        }


def choose(name: str, builder: MaskBuilder, positions: str, transformer: Transformer) -> Layout:
    """Makes the layout called `name`; ``auto`` takes, batch by batch, the cheapest that is right for mask and model.

    packed: a sample's blocks side by side in one row, one call, under the builder's mask; rows: every block's
    rows by themselves, plain causal attention (right padding is never seen); flat: all rows in one stream.
    Raises ComponentError for rows under a mask that is not plain block-causal at every layer, and for flat with a
    model whose attention can't be replaced.
    """
    plain = MaskTraits.of(builder).plain_block_causal
    if name == "rows" and not plain:
        raise ComponentError(
            f"layout: rows runs blocks apart, but the mask {type(builder).__name__} does not declare itself "
            "plain block-causal; use layout: packed or auto"
        )
    transformer.look()
    flat = Flat(builder, transformer, positions == "none")
    ways = _Ways(transformer, flat, Masks(builder, transformer, positions == "none"))
    if name == "flat" and (problem := flat.problem):
        raise ComponentError(
            f"{type(transformer.model).__name__} can't run in layout: flat ({problem}); use layout: packed or auto"
        )
    if name == "auto":
        return ways.auto(plain)
    return ways.layout(name, {"packed": ways.packed, "rows": ways.rows, "flat": flat.arrange}[name])


@dataclass(frozen=True)
class _Ways:
    """The layouts that a model can be run in."""

    transformer: Transformer
    flat: Flat
    masks: Masks

    def layout(self, name: str, arrange: Arrange) -> Layout:
        return Layout(name, arrange, self.mask)

    def mask(self, call: Call) -> Tensor | Attentions | None:
        return self.masks(call) if call.stream is None else self.flat.attentions(call)

    def packed(self, blocks: Sequence[Block]) -> Arrangement:
        self._refuse_large(blocks)
        self._refuse_branches(blocks)
        return side_by_side(blocks)

    def rows(self, blocks: Sequence[Block]) -> Arrangement:
        """Arranges rows; on a GPU all share a call, as small calls are bound by their launches."""
        self._refuse_large(with_branches(blocks))
        self._refuse_branches(blocks)
        return one_block_a_row(blocks, float("inf") if self._on_gpu else call_cost(self.transformer.width))

    def auto(self, plain: bool) -> Layout:
        if plain and not self._on_gpu:
            return self.layout("auto", Cheapest(self.transformer, self.packed, self._rows_or_stream, self.flat))
        return self.layout("rows", self._rows_or_stream) if plain else self.layout("packed", self._packed_or_stream)

    def _rows_or_stream(self, blocks: Sequence[Block]) -> Arrangement:
        return self.flat.arrange(blocks) if self._too_many(with_branches(blocks)) else self.rows(blocks)

    def _packed_or_stream(self, blocks: Sequence[Block]) -> Arrangement:
        return self.flat.arrange(blocks) if self._too_many(blocks) else self.packed(blocks)

    def _too_many(self, blocks: Sequence[Block]) -> bool:
        """Tells whether to take a stream because the mask of these blocks side by side would be too large."""
        return self._elements(blocks) > MANY and self.flat.problem is None

    def _refuse_large(self, blocks: Sequence[Block]) -> None:
        if (elements := self._elements(blocks)) > MOST:
            raise ComponentError(
                f"the masks of {len(blocks[0].sample)} rows of {_width(blocks):,} tokens would have {elements:,} "
                f"numbers ({self.masks.layers} a row); use layout: flat or auto, smaller batches or shorter samples"
            )

    def _refuse_branches(self, blocks: Sequence[Block]) -> None:
        if with_branches(blocks):
            self.transformer.refuse_branches()

    def _elements(self, blocks: Sequence[Block]) -> int:
        """The elements of a mask: rows × different layers × tokens²."""
        return len(blocks[0].sample) * self.masks.layers * _width(blocks) ** 2 if blocks else 0

    @property
    def _on_gpu(self) -> bool:
        return self.transformer.model.device.type != "cpu"


def with_branches(blocks: Sequence[Block]) -> Sequence[Block]:
    """The blocks that share rows in layout ``rows``: the samples and the branches from them; empty without branches."""
    branches = [block for block in blocks if block.prefix is not None]
    return [blocks[0], *branches] if branches else []


def _width(blocks: Sequence[Block]) -> int:
    return sum(block.ids.shape[1] for block in blocks)
