"""The attention mask of a call, which says for every two tokens of a row whether one sees the other."""

from __future__ import annotations

import torch
from torch import Tensor

from jepa_core.components import MaskBuilder, MaskTraits
from jepa_core.errors import ComponentError
from jepa_core.model.transformer import Transformer
from jepa_core.objective.arrangement import Call
from jepa_core.views.row_tokens import Tokens
from jepa_core.views.visibility import additive, visible

NO_DISTANCE_TO_PREFIX = (
    "this model attends within a sliding window, and without positions there is no distance from a branch to the "
    "prefix that it goes on from; use positions: continue"
)


def no_distance_between_views(window: int | None, tokens: str) -> ComponentError:
    """Makes the error for a window where views see each other: nothing says how far apart they are."""
    return ComponentError(
        f"this model attends within a sliding window of {window} tokens, {tokens}, and the mask lets a view see "
        "another, from which it has no distance; use a mask that keeps views apart"
    )


class Masks:
    """Makes the masks of calls for `transformer`. placeless: whether all position ids are 0."""

    def __init__(self, builder: MaskBuilder, transformer: Transformer, placeless: bool):
        self.builder, self.transformer, self.placeless = builder, transformer, placeless
        self.traits = MaskTraits.of(builder)

    @property
    def layers(self) -> int:
        """The number of masks a row has: one for all layers, or one each."""
        each = self.traits.by_layer or len(set(self.transformer.windows)) > 1
        return self.transformer.num_layers if each else 1

    def __call__(self, call: Call) -> Tensor | None:
        """``r 1 t t`` for a builder and a model that are the same at every layer, else ``r n t t``; None for causal
        rows.

        A causal mask is spelled out where position ids don't count up: the model would take those for several sequences
        packed in one row."""
        if call.masked:
            return self._built(call)
        if not self.placeless:
            return None
        width = call.ids.shape[1]
        return self._for_attention(
            torch.ones(1, 1, width, width, dtype=torch.bool, device=call.ids.device).tril(), call
        )

    def _built(self, call: Call) -> Tensor:
        if not self.traits.isolates_views:
            self._refuse_windows_between_blocks(call.ids.shape[1])
        tokens, apart = Tokens.of(call.tags, call.block, call.piece), call.apart
        layers = range(self.transformer.num_layers if self.traits.by_layer else 1)
        allowed = torch.stack([visible(self.builder, tokens, layer, apart) for layer in layers], dim=1)
        return self._for_attention(allowed, call)

    def _for_attention(self, allowed: Tensor, call: Call) -> Tensor:
        """Additive ``r 1 t t`` or ``r n t t``: `allowed`, but no further back than the model's own windows, which a
        mask of ours replaces."""
        width, chunk = allowed.shape[-1], self.transformer.chunk
        if chunk is not None and width > chunk:
            raise ComponentError(
                f"this model attends within chunks of {chunk} tokens, which a mask of our own would replace, "
                f"and a row has {width} tokens; use a plain block-causal mask with layout: rows"
            )
        if self._windowed(width):
            windows = self.transformer.windows
            distance = self._distance(call)
            each = windows if len(set(windows)) > 1 else windows[:1]
            near = [distance < (width if window is None else window) for window in each]
            allowed = allowed & torch.stack(near, dim=1)
        return additive(allowed, self._dtype())

    def _distance(self, call: Call) -> Tensor:
        """``r t t``: how far back a key is, within a block by columns, from a branch to the block it continues by
        position ids. Raises ComponentError where these say nothing."""
        columns = torch.arange(call.ids.shape[1], device=call.ids.device)
        by_column = (columns[:, None] - columns)[None]
        if call.piece is None or call.apart is None:
            return by_column
        if self.placeless:
            raise ComponentError(NO_DISTANCE_TO_PREFIX)
        same_piece = call.piece.unsqueeze(-1) == call.piece.unsqueeze(-2)
        return torch.where(same_piece, by_column, call.positions.unsqueeze(-1) - call.positions.unsqueeze(-2))

    def _windowed(self, width: int) -> bool:
        """Tells whether a window is narrower than the row; a wider one changes nothing."""
        return any(window is not None and window < width for window in self.transformer.windows)

    def _refuse_windows_between_blocks(self, width: int) -> None:
        """Refuses windows where a token may see another block's: nothing says how far apart the two are."""
        if self._windowed(width):
            raise no_distance_between_views(self.transformer.sliding_window, f"a row has {width}")

    def _dtype(self) -> torch.dtype:
        """The dtype that attention scores will have: under autocast, autocast's."""
        device = self.transformer.model.device.type
        if torch.is_autocast_enabled(device):
            return torch.get_autocast_dtype(device)
        return self.transformer.model.dtype
