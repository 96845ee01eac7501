"""``mean``: the mean hidden state of a view's tokens, or of those with one tag."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from jepa_core import BuildContext, hookimpl
from jepa_plugins.last_token import tag_number


class MeanToken:
    """The mean over a view's tokens; zeros for a view without any.

    layer: 0 the embeddings, n the last layer after the final norm, negative from the end; tag: number of a tag, to
    take only tokens with it.
    """

    def __init__(self, layer: int = -1, tag: int | None = None):
        self.layer = layer
        self.tag = tag

    def __call__(self, hidden: Tensor, valid: Tensor, tags: Tensor) -> Tensor:
        chosen = self.reads(valid, tags)
        weights = chosen.to(hidden.dtype) / chosen.sum(dim=1, keepdim=True).clamp(min=1)
        return (weights.unsqueeze(1) @ hidden).squeeze(1)

    def reads(self, valid: Tensor, tags: Tensor) -> Tensor:
        """Marks the tokens in the mean, ``b s`` bool."""
        return valid if self.tag is None else valid & (tags == self.tag)


def mean(context: BuildContext, layer: int = -1, tag: str | None = None) -> MeanToken:
    """The mean hidden state of a view's tokens.

    layer: 0 the embeddings, n the last layer after the final norm, negative from the end; tag: take only tokens with
    this tag of the dataset.
    """
    return MeanToken(layer, tag_number(context, tag))


@hookimpl
def jepa_embedding_extractors() -> Mapping[str, object]:
    return {"mean": mean}
