"""``last_token``: the hidden state of a view's last token, or of its last token with one tag."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import normalize

from jepa_core import BuildContext, ComponentError, did_you_mean, hookimpl
from jepa_core.samples.samples import PRED

Norm = Literal["none", "l2", "rms", "variance"]
EPS = 1e-6


class LastToken:
    """Takes the last valid token; with predictor tokens that is the last ``<PRED>``.

    layer: 0 the embeddings, n the last layer after the final norm, negative from the end; tag: number of a tag, to
    take the last token with it instead (the first column of a view without one); norm: scale the vector to length 1
    (``l2``), to a root mean square of 1 (``rms``), or to a standard deviation of 1 with its mean kept
    (``variance``); offset: tokens to go back from the last one.
    """

    def __init__(self, layer: int = -1, tag: int | None = None, norm: Norm = "none", offset: int = 0):
        self.layer = layer
        self.tag = tag
        self.norm = norm
        self.offset = offset

    def __call__(self, hidden: Tensor, valid: Tensor, tags: Tensor) -> Tensor:
        rows = torch.arange(len(hidden), device=hidden.device)
        return scaled(hidden[rows, self._last(valid, tags)], self.norm)

    def reads(self, valid: Tensor, tags: Tensor) -> Tensor:
        """Marks the token that is taken, ``b s`` bool."""
        return torch.zeros_like(valid).scatter(1, self._last(valid, tags)[:, None], True)

    def _last(self, valid: Tensor, tags: Tensor) -> Tensor:
        chosen = valid if self.tag is None else valid & (tags == self.tag)
        positions = torch.arange(valid.shape[1], device=valid.device)
        if self.offset:  # the offset-th of the chosen tokens from the end
            after = chosen.flip(1).cumsum(dim=1).flip(1)
            chosen = chosen & (after > self.offset)
        return positions.where(chosen, 0).amax(dim=1)


def scaled(vectors: Tensor, norm: Norm) -> Tensor:
    """Scales ``b d`` row by row; a zero vector stays zero."""
    if norm == "l2":
        return normalize(vectors, dim=-1, eps=EPS)
    if norm == "none":
        return vectors
    spread = vectors - vectors.mean(dim=-1, keepdim=True) if norm == "variance" else vectors
    return vectors * (spread.square().mean(dim=-1, keepdim=True) + EPS).rsqrt()


def tag_number(context: BuildContext, tag: str | None) -> int | None:
    """The number of one of the dataset's tags, or of ``pred``. Raises ComponentError for another name."""
    if tag is None:
        return None
    numbers = {name: number for number, name in enumerate(context.tags, start=1)} | {"pred": PRED}
    if tag not in numbers:
        raise ComponentError(f"tag: the dataset has no tag '{tag}'{did_you_mean(tag, numbers)}")
    return numbers[tag]


def last_token(
    context: BuildContext,
    layer: int = -1,
    tag: str | None = None,
    norm: Norm = "none",
    offset: Annotated[int, Field(ge=0)] = 0,
) -> LastToken:
    """The hidden state of a view's last token; with predictor tokens that is the last of them.

    layer: 0 the embeddings, n the last layer after the final norm, negative from the end; tag: take the last token with
    this tag of the dataset instead; norm: scale the vector to length 1 (l2), root mean square 1 (rms), or standard
    deviation 1 with its mean kept (variance); offset: tokens to go back from the last one.
    """
    if offset < 0:
        raise ComponentError(f"offset: expected 0 or more tokens before the last one, not {offset}")
    return LastToken(layer, tag_number(context, tag), norm, offset)


def _older(path: tuple, options: dict) -> dict:
    """Rewrites the old option `role` as `tag`."""
    if "role" not in options:
        return {}
    rest = {name: value for name, value in options.items() if name != "role"}
    return {path: {"name": "last_token", **rest, "tag": options["role"]}}


last_token.instead = _older  # type: ignore[attr-defined]


@hookimpl
def jepa_embedding_extractors() -> Mapping[str, object]:
    return {"last_token": last_token}
