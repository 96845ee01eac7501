"""Layouts: ways to run a plan's blocks through the transformer. All give the same numbers.

A layout arranges blocks into calls, on the host, and gives each call its attention mask.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from jepa_core.components import MaskBuilder, MaskTraits
from jepa_core.errors import ComponentError
from jepa_core.model.transformer import Transformer
from jepa_core.objective.arrangement import Arrangement, Block, Call, one_block_a_row, side_by_side
from jepa_core.objective.hidden import HiddenStates, LayerStates
from jepa_core.objective.plan import Plan
from jepa_core.views.row_tokens import Tokens
from jepa_core.views.visibility import additive, visible

#: What another transformer call costs on a CPU, in tokens, is GRADIENT + DISPATCH / width²: adding up the gradients
#: of all weights once more takes as long as this many tokens at any width, since both grow with its square, and
#: dispatching the operations of a layer is the same work at any width. Measured by splitting one call into two to
#: four: 180 tokens more at width 128, 60 at 384, 40 at 768.
GRADIENT, DISPATCH = 35, 2.4e6


@dataclass(frozen=True)
class Layout:
    """arrange: blocks to calls; mask: a call's additive mask (see :class:`Transformer`), or None for causal."""

    name: str
    arrange: Callable[[Sequence[Block]], Arrangement]
    mask: Callable[[Call], Tensor | None]

    def run(
        self,
        plan: Plan,
        transformer: Transformer,
        layers: Collection[int],
        only_reads: bool,
        around: Callable[[int], AbstractContextManager] = nullcontext,
    ) -> HiddenStates:
        """The hidden states of all blocks at the `layers` asked for; `only_reads` leaves those of the last
        layer that nothing reads unfinished. around: the context that a call of this number runs in."""
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
    """The layout called `name`; ``auto`` takes the cheaper one that is right for this mask.

    packed: a sample's blocks side by side in one row, one call, under the builder's mask; rows: every block's
    rows by themselves, plain causal attention (right padding is never seen).
    Raises ComponentError for rows under a mask that is not plain block-causal at every layer.
    """
    plain = MaskTraits.of(builder).plain_block_causal
    if name == "rows" and not plain:
        raise ComponentError(
            f"layout: rows runs blocks apart, but the mask {type(builder).__name__} does not declare itself "
            "plain block-causal; use layout: packed or auto"
        )
    transformer.look()
    placeless = positions == "none"
    if name == "packed" or not plain:
        mask = partial(_built_mask, builder, transformer, placeless)
        return Layout("packed", partial(_in_one_row, transformer), mask)
    return Layout("rows", partial(_by_length, transformer), partial(_causal_mask, builder, transformer, placeless))


def _in_one_row(transformer: Transformer, blocks: Sequence[Block]) -> Arrangement:
    _refuse_branches(transformer, blocks)
    return side_by_side(blocks)


def _by_length(transformer: Transformer, blocks: Sequence[Block]) -> Arrangement:
    """On a GPU small calls are bound by their launches, so all rows share one."""
    _refuse_branches(transformer, blocks)
    on_cpu = transformer.model.device.type == "cpu"
    return one_block_a_row(blocks, GRADIENT + DISPATCH / transformer.width**2 if on_cpu else float("inf"))


def _refuse_branches(transformer: Transformer, blocks: Sequence[Block]) -> None:
    if any(block.prefix is not None for block in blocks):
        transformer.refuse_branches()


def _built_mask(builder: MaskBuilder, transformer: Transformer, placeless: bool, call: Call) -> Tensor:
    """``r 1 t t`` for a builder and a model that are the same at every layer, else ``r n t t``. placeless: are all
    position ids 0."""
    traits = MaskTraits.of(builder)
    if not traits.isolates_views:
        _refuse_windows_between_blocks(transformer, call.ids.shape[1])
    tokens = Tokens.of(call.tags, call.block, call.piece)
    layers = range(transformer.num_layers if traits.by_layer else 1)
    allowed = torch.stack([visible(builder, tokens, layer, call.apart) for layer in layers], dim=1)
    return _for_attention(allowed, transformer, call, placeless)


def _causal_mask(builder: MaskBuilder, transformer: Transformer, placeless: bool, call: Call) -> Tensor | None:
    """None, or explicit where rows have branches, or position ids don't count up: the model would take those for
    several sequences packed in one row."""
    if call.apart is not None:
        return _built_mask(builder, transformer, placeless, call)
    if not placeless:
        return None
    width = call.ids.shape[1]
    causal = torch.ones(1, 1, width, width, dtype=torch.bool, device=call.ids.device).tril()
    return _for_attention(causal, transformer, call, placeless)


def _for_attention(allowed: Tensor, transformer: Transformer, call: Call, placeless: bool) -> Tensor:
    """Additive ``r 1 t t`` or ``r n t t``: `allowed`, and no further back than the model's own windows, which a mask
    of ours replaces."""
    width = allowed.shape[-1]
    if transformer.chunk is not None and width > transformer.chunk:
        raise ComponentError(
            f"this model attends within chunks of {transformer.chunk} tokens, which a mask of our own would replace, "
            f"and a row has {width} tokens; use a plain block-causal mask with layout: rows"
        )
    if _windowed(transformer, width):
        windows = transformer.windows if len(set(transformer.windows)) > 1 else transformer.windows[:1]
        distance = _distance(call, placeless)
        near = [distance < (width if window is None else window) for window in windows]
        allowed = allowed & torch.stack(near, dim=1)
    return additive(allowed, _mask_dtype(transformer))


def _distance(call: Call, placeless: bool) -> Tensor:
    """``r t t``: how far back a key is, in a block by columns. From a branch to the block that it goes on from it is as
    position ids say; raises ComponentError where they say nothing."""
    columns = torch.arange(call.ids.shape[1], device=call.ids.device)
    by_column = (columns[:, None] - columns)[None]
    if call.piece is None or call.apart is None:
        return by_column
    if placeless:
        raise ComponentError(
            "this model attends within a sliding window, and without positions there is no distance from a branch to "
            "the prefix that it goes on from; use positions: continue"
        )
    same_piece = call.piece.unsqueeze(-1) == call.piece.unsqueeze(-2)
    return torch.where(same_piece, by_column, call.positions.unsqueeze(-1) - call.positions.unsqueeze(-2))


def _windowed(transformer: Transformer, width: int) -> bool:
    """A window at least as wide as the row changes nothing."""
    return any(window is not None and window < width for window in transformer.windows)


def _refuse_windows_between_blocks(transformer: Transformer, width: int) -> None:
    """How far a token of one block is from one of another is nowhere said."""
    if _windowed(transformer, width):
        raise ComponentError(
            f"this model attends within a sliding window of {transformer.sliding_window} tokens, a row has {width}, "
            "and the mask lets a view see another, from which it has no distance; use a mask that keeps views apart"
        )


def _mask_dtype(transformer: Transformer) -> torch.dtype:
    """The dtype that attention scores will have: under autocast, autocast's."""
    device = transformer.model.device.type
    if torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    return transformer.model.dtype
