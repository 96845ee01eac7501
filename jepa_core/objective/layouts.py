"""Layouts: ways to run a plan's blocks through the transformer. All give the same numbers.

A layout takes a plan and returns, for each layer asked for, the hidden states ``m w d`` of every block.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import pad

from jepa_core.components import MaskBuilder, declared
from jepa_core.errors import ComponentError
from jepa_core.objective.plan import Plan
from jepa_core.objective.transformer import Transformer
from jepa_core.views.tokens import Tokens
from jepa_core.views.visibility import additive, visible

HiddenStates = dict[int, list[Tensor]]
Layout = Callable[[Plan, Transformer, Collection[int]], HiddenStates]


def packed(plan: Plan, transformer: Transformer, layers: Collection[int], *, builder: MaskBuilder) -> HiddenStates:
    """A sample's blocks side by side in one row, one transformer call, under the builder's mask."""
    batch, widths = len(plan.blocks[0].sample), [block.ids.shape[1] for block in plan.blocks]
    _refuse_sliding_window(transformer, max(widths))
    row = [
        torch.cat([_scatter(getattr(block, field), block.sample, batch) for block in plan.blocks], dim=1)
        for field in ("ids", "roles", "positions")
    ]
    ids, roles, positions = row
    numbers = torch.arange(len(widths), device=ids.device)
    block = numbers.repeat_interleave(torch.tensor(widths, device=ids.device), output_size=sum(widths))
    mask = _attention_mask(builder, Tokens.of(roles, block.expand_as(roles)), transformer)
    hidden = transformer(ids, positions, mask, layers)
    return {
        layer: [part[block.sample] for part, block in zip(states.split(widths, 1), plan.blocks, strict=True)]
        for layer, states in hidden.items()
    }


def rows(plan: Plan, transformer: Transformer, layers: Collection[int], *, explicit_mask: bool = False) -> HiddenStates:
    """Every block's rows as rows of one batch, plain causal attention: right padding is never seen.

    explicit_mask: pass the causal mask, for position ids that do not count up (the model would otherwise
    take them for several sequences packed in one row).
    """
    width = max(block.ids.shape[1] for block in plan.blocks)
    ids = torch.cat([pad(block.ids, (0, width - block.ids.shape[1])) for block in plan.blocks])
    positions = torch.cat([_extend(block.positions, width) for block in plan.blocks])
    mask = None
    if explicit_mask:
        causal = torch.ones(1, 1, width, width, dtype=torch.bool, device=ids.device).tril()
        mask = additive(causal, _mask_dtype(transformer))
    hidden = transformer(ids, positions, mask, layers)
    sizes = [len(block.ids) for block in plan.blocks]
    return {
        layer: [part[:, : b.ids.shape[1]] for part, b in zip(states.split(sizes), plan.blocks, strict=True)]
        for layer, states in hidden.items()
    }


def choose(name: str, builder: MaskBuilder, positions: str) -> Layout:
    """The layout called `name`; ``auto`` takes the cheaper one that is right for this mask.

    Raises ComponentError for rows under a mask that is not plain block-causal at every layer.
    """
    plain = declared("mask", builder, "plain_block_causal")
    if name == "rows" and not plain:
        raise ComponentError(
            f"layout: rows runs blocks apart, but the mask {type(builder).__name__} does not declare itself "
            "plain block-causal; use layout: packed or auto"
        )
    if name == "packed" or not plain:
        return partial(packed, builder=builder)
    return partial(rows, explicit_mask=positions == "none")


def _scatter(values: Tensor, sample: Tensor, batch: int) -> Tensor:
    """Rows ``m w`` to their places among `batch` rows; the others get 0, which is :attr:`Role.PAD`."""
    if len(values) == batch:
        return values
    return values.new_zeros(batch, values.shape[1]).index_copy(0, sample, values)


def _extend(positions: Tensor, width: int) -> Tensor:
    """Counting on over the padding, so that a row is one sequence to the model."""
    missing = width - positions.shape[1]
    if not missing:
        return positions
    step = positions[:, 1:2] - positions[:, :1] if positions.shape[1] > 1 else torch.ones_like(positions)
    more = torch.arange(1, missing + 1, device=positions.device)
    return torch.cat([positions, positions[:, -1:] + step * more], dim=1)


def _attention_mask(builder: MaskBuilder, tokens: Tokens, transformer: Transformer) -> Tensor:
    """Additive, ``b 1 t t`` for a builder that is the same at every layer, else ``b n t t``."""
    layers = range(transformer.num_layers if declared("mask", builder, "by_layer") else 1)
    allowed = torch.stack([visible(builder, tokens, layer) for layer in layers], dim=1)
    return additive(allowed, _mask_dtype(transformer))


def _mask_dtype(transformer: Transformer) -> torch.dtype:
    """The dtype that attention scores will have: under autocast, autocast's."""
    device = transformer.model.device.type
    if torch.is_autocast_enabled(device):
        return torch.get_autocast_dtype(device)
    return transformer.model.dtype


def _refuse_sliding_window(transformer: Transformer, width: int) -> None:
    if transformer.sliding_window is not None and width > transformer.sliding_window:
        raise ComponentError(
            f"this model attends within a sliding window of {transformer.sliding_window} tokens, which a mask of "
            f"our own would replace, and a view has {width} tokens; use a plain block-causal mask with layout: rows"
        )
