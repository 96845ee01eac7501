"""``block_causal``: causal inside each block of a row, nothing crosses."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from jepa_core import hookimpl
from jepa_core.views.row_tokens import Tokens


class BlockCausalMask:
    """A token sees the earlier tokens of its own block and itself."""

    isolates_views = True
    plain_block_causal = True

    def __call__(self, query: Tokens, key: Tokens, layer: int) -> Tensor:
        return query.block == key.block


@hookimpl
def jepa_mask_builders() -> Mapping[str, object]:
    return {"block_causal": BlockCausalMask}
