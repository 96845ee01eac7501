"""``displacement``: the movement of the hidden state along the tokens of a view."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from jepa_core import hookimpl
from jepa_plugins.text.spans import change_factors


class Displacement:
    """The sum over a view's tokens of h(token) - h(token before), over the row's states (STP, arXiv 2602.22617).

    Over neighbours it telescopes: of tokens 3, 4 and 5 there remain h(5) - h(2). layer: 0 the embeddings, n the last
    layer after the final norm, negative from the end.
    """

    def __init__(self, layer: int = -1):
        self.layer = layer

    def __call__(self, hidden: Tensor, valid: Tensor, tags: Tensor) -> Tensor:
        return (change_factors(valid).to(hidden.dtype).unsqueeze(1) @ hidden).squeeze(1)

    def reads(self, valid: Tensor, tags: Tensor) -> Tensor:
        """Marks the states left after telescoping, ``b s`` bool."""
        return change_factors(valid) != 0


@hookimpl
def jepa_embedding_extractors() -> Mapping[str, object]:
    return {"displacement": Displacement}
