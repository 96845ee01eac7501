"""The tokens that each token of a sample may see, by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from jepa_core.components import MaskTraits
from jepa_core.objective.arrangement import side_by_side
from jepa_core.objective.objective import JepaObjective
from jepa_core.samples.sample_set import Batch
from jepa_core.samples.samples import PAD
from jepa_core.samples.spelling import key_to_marks
from jepa_core.samples.token_names import TokenNames
from jepa_core.views.row_tokens import Tokens
from jepa_core.views.visibility import visible

#: A legend to pictures on a page.
LEGEND = (
    "One training sample in a packed row. A row is the token that looks, a column what it may see; its own block is "
    "grey, another block in the colour of this text. Everything else is hidden."
)


@dataclass(frozen=True)
class MaskPicture:
    """allowed: layers (``layer 0``, ``layers 0–3``) -> ``t t`` bool; names, block: of the ``t`` tokens."""

    allowed: dict[str, Tensor]
    names: list[str]
    block: Tensor


def legend_of(names: Iterable[str]) -> str:
    """Explains pictures of masks, and the marks in their tokens' names."""
    words = key_to_marks(names)
    return f"{LEGEND} {words[0].upper()}{words[1:]}." if words else LEGEND


def mask_of(objective: JepaObjective, vocabulary: TokenNames, sample: Batch) -> MaskPicture:
    """The picture of a batch of one sample, with its second views."""
    call = side_by_side(objective.plan(sample).blocks).calls[0]
    builder, tokens, real = objective.spec.mask, Tokens.of(call.tags, call.block, call.piece), call.tags[0] != PAD
    count = objective.transformer.num_layers if MaskTraits.of(builder).by_layer else 1
    masks = [visible(builder, tokens, layer, call.apart).expand(1, -1, -1)[0] for layer in range(count)]
    piece = call.block if call.piece is None else call.piece
    names = [vocabulary.spelled(i) for i in call.ids[0][real].tolist()]
    return MaskPicture(_grouped([mask[real][:, real] for mask in masks]), names, piece[0][real])


def _grouped(by_layer: list[Tensor]) -> dict[str, Tensor]:
    """Groups neighbouring layers with the same mask; a single group is called ``every layer``."""
    starts = [i for i, mask in enumerate(by_layer) if i == 0 or not torch.equal(mask, by_layer[i - 1])]
    if len(starts) == 1:
        return {"every layer": by_layer[0]}
    ends = [*(start - 1 for start in starts[1:]), len(by_layer) - 1]
    return {
        f"layer {start}" if start == end else f"layers {start}–{end}": by_layer[start]
        for start, end in zip(starts, ends, strict=True)
    }
