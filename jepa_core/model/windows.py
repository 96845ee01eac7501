"""Windows of attention and numbers of positions, as the model's configuration gives them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

#: Names that configurations have for the width of a window.
_WIDTHS = ("sliding_window", "attention_window_size")


def windows(config: PreTrainedConfig, num_layers: int) -> tuple[int | None, ...]:
    """The number of tokens that each layer sees, itself included; None, also for a width of 0: all before it."""
    width = next((value for name in _WIDTHS if (value := getattr(config, name, None))), None)
    return tuple(width if slides else None for slides in _layers(config, num_layers, ("sliding", "compressed")))


def max_positions(config: PreTrainedConfig) -> int | None:
    """The number of positions; None where nothing bounds them, which some configurations write as -1."""
    room = getattr(config, "max_position_embeddings", None)
    return room if room and room > 0 else None


def chunk(config: PreTrainedConfig, num_layers: int) -> int | None:
    """The width of chunks that some layers keep within, or None where there is no such layer."""
    chunked = getattr(config, "layer_types", None) is not None and any(_layers(config, num_layers, ("chunked",)))
    return getattr(config, "attention_chunk_size", None) if chunked else None


def _layers(config: PreTrainedConfig, num_layers: int, kinds: tuple[str, ...]) -> list[bool]:
    """Tells for each layer whether it is of one of these kinds. Without types they all are."""
    types = getattr(config, "layer_types", None)
    if types is None:
        return [True] * num_layers
    return [any(kind in str(one) for kind in kinds) for one in types][:num_layers]
