"""Attention within one stream of tokens, in place of a model's own: each layer is told who sees whom.

Models whose layers ask transformers' ``AttentionInterface`` for their attention find ours there while such a layer
runs, and only then. What it is to do travels as the layer's mask argument, not as state, so gradient checkpointing
recomputes with it.

Axes: ``n`` tokens of the stream, ``h`` heads, ``d`` width of a head.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from jepa_core.errors import ComponentError
from jepa_core.model.hooks import Hooks

NAME = "jepa_stream"
_MARK = "_jepa_stream"
#: Options of layers that change nothing here: windows are part of who sees whom.
_HARMLESS = {"sliding_window", "position_ids", "position_embeddings", "cache_position", "use_cache"}


class StreamAttention(Protocol):
    """Attends within a stream: queries ``1 h n d``, keys and values (which may have fewer heads) to ``1 n h d``.

    dropout: of attention weights; scale: of scores; softcap: scores are capped smoothly at this size.
    """

    def __call__(
        self, query: Tensor, key: Tensor, value: Tensor, *, dropout: float, scale: float, softcap: float | None
    ) -> Tensor: ...


#: One attention for each layer.
Attentions = Sequence[StreamAttention]


def as_mask(attentions: Attentions, device: torch.device) -> Tensor:
    """Makes a mask argument that carries these: of four axes, which models hand to their layers as it is, and of a
    shape that no other attention can add to its scores."""
    mask = torch.empty(1, 1, 0, 0, dtype=torch.bool, device=device)  # mixed precision leaves bool as it is
    setattr(mask, _MARK, attentions)
    return mask


class Switch:
    """Hooks on `blocks` that hand each block its own attention, out of those of all layers, and make the modules in it
    use this one instead of the model's. Layers that run again in a backward pass get the arguments they had, so the
    same holds for them."""

    def __init__(self, blocks: Sequence[nn.Module], hooks: Hooks):
        _register()
        self._own: dict[nn.Module, str] = {}
        for layer, block in enumerate(blocks):
            hooks.before(block, partial(self._hand_on, layer))
            for module in block.modules():
                if hasattr(getattr(module, "config", None), "_attn_implementation"):
                    hooks.before(module, self._enter)
                    hooks.after(module, self._leave, always=True)

    def _hand_on(
        self, layer: int, block: nn.Module, args: tuple, kwargs: dict[str, Any]
    ) -> tuple[tuple, dict[str, Any]] | None:
        stream = _found(args, kwargs)
        if stream is None:
            return None
        mine = torch.empty_like(stream)
        setattr(mine, _MARK, getattr(stream, _MARK)[layer])
        changed = {name: mine for name, value in kwargs.items() if value is stream}
        return tuple(mine if value is stream else value for value in args), {**kwargs, **changed}

    def _enter(self, module: Any, args: tuple, kwargs: dict[str, Any]) -> None:
        if _found(args, kwargs) is not None:
            self._own[module] = module.config._attn_implementation
            module.config._attn_implementation_internal = NAME

    def _leave(self, module: Any, args: tuple, out: Any) -> None:
        if module in self._own:
            module.config._attn_implementation_internal = self._own.pop(module)


def _found(args: tuple, kwargs: dict[str, Any]) -> Tensor | None:
    """The argument that carries the attention of a stream; None where none does."""
    return next((value for value in (*args, *kwargs.values()) if hasattr(value, _MARK)), None)


def attend(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    softcap: float | None = None,
    is_causal: bool | None = None,
    **options: Any,
) -> tuple[Tensor, None]:
    """Answers a layer's call for its attention. Raises ComponentError where it asks for something not done here."""
    own = getattr(attention_mask, _MARK, None)
    name = type(module).__name__
    if own is None:
        raise ComponentError(f"{name} does not hand its attention the mask that the model was given")
    if unknown := [n for n, v in options.items() if n not in _HARMLESS and v is not None and v is not False]:
        raise ComponentError(f"{name} asks its attention for {', '.join(unknown)}, which a stream's does not do")
    if is_causal is False:
        raise ComponentError(f"{name} is not causal")
    scale = query.shape[-1] ** -0.5 if scaling is None else float(scaling)
    return own(query, key, value, dropout=dropout, scale=scale, softcap=softcap), None


@cache
def _register() -> None:
    from transformers import AttentionInterface

    AttentionInterface.register(NAME, attend)
