"""``infonce``: the right target among others, by cosine."""

from __future__ import annotations

from collections.abc import Mapping
from math import log
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize
from torch.utils.checkpoint import checkpoint

from jepa_core import hookimpl

EPS = 1e-8
SMALLEST, LARGEST = 0.01, 1_000_000
#: The most cosines held at once (512 MB in fp32): beyond, pairs are taken part by part, and computed again in the
#: backward pass, so that a large bank takes no more than its own room.
COSINES = 1 << 27


class InfoNceDistance(nn.Module):
    """Minus the log-probability of the right target among candidates, at least 0.

    The logits are cosines over a temperature (InfoNCE: van den Oord et al. 2018, arXiv 1807.03748, equation 4).
    negatives: ``batch`` compares with the targets of the other pairs, those of the same entity left out;
    ``bank`` with the states of all entities of the task, made anew from the weights at every step. Where a question
    has several answers, the others that training samples state are left out too.
    learn_temperature: the temperature is a parameter, from `temperature` on, at least 0.01 (as in CLIP, arXiv
    2103.00020, whose largest scale is 100).
    """

    def __init__(
        self,
        temperature: Annotated[float, Field(ge=SMALLEST, le=LARGEST)] = 0.05,
        negatives: Literal["batch", "bank"] = "batch",
        learn_temperature: bool = False,
    ):
        super().__init__()
        if not temperature >= SMALLEST:
            raise ValueError(f"temperature must be {SMALLEST} or more, not {temperature}")
        if temperature > LARGEST:
            raise ValueError(f"temperature must be {LARGEST:,} or less, not {temperature}")
        scale = torch.tensor(-log(temperature))
        if learn_temperature:
            self.log_scale: Tensor = nn.Parameter(scale)
        else:
            self.register_buffer("log_scale", scale, persistent=False)
        self.needs = ("entity_ids", "right_ids") if negatives == "batch" else ("bank", "bank_index", "right_index")
        self.decomposable = negatives == "bank"

    def forward(
        self,
        predicted: Tensor,
        target: Tensor,
        entity_ids: Tensor | None = None,
        bank: Tensor | None = None,
        bank_index: Tensor | None = None,
        right_ids: Tensor | None = None,
        right_index: Tensor | None = None,
    ) -> Tensor:
        """Computes the distances ``n``. entity_ids: ``n``, equal for equal targets; bank: ``m d``; bank_index: ``n``,
        each target's place in the bank, where its own state then stands; right_ids, right_index: ``n a``, the same as
        `entity_ids` and `bank_index` of everything that answers a pair's question."""
        predicted, target = unit(predicted), unit(target)
        scale = self.log_scale.clamp(max=-log(SMALLEST)).exp()
        if bank is None or bank_index is None:
            own = torch.arange(len(target), device=target.device)
            cosines = predicted @ target.T
            if entity_ids is not None:
                right = entity_ids[:, None] == entity_ids
                if right_ids is not None and right_ids.shape[1] > 1:
                    for also in right_ids.unbind(1):
                        right |= also[:, None] == entity_ids
                cosines = cosines.masked_fill(right & (own[:, None] != own), float("-inf"))
            return cross_entropy(cosines * scale, own, reduction="none")
        states, size = unit(bank), max(1, COSINES // max(len(bank), 1))
        also = bank_index[:, None] if right_index is None else right_index
        if size >= len(predicted):
            return _among(predicted, target, states, bank_index, also, scale)
        parts = zip(*(each.split(size) for each in (predicted, target, bank_index, also)), strict=True)
        return torch.cat([checkpoint(_among, p, t, states, i, a, scale, use_reentrant=False) for p, t, i, a in parts])


def _among(predicted: Tensor, target: Tensor, bank: Tensor, own: Tensor, also: Tensor, scale: Tensor) -> Tensor:
    """The distance ``n`` of each pair, among the bank with the target itself in its place, and without what answers
    the question `also`."""
    right = (predicted * target).sum(dim=-1, keepdim=True)
    cosines = (predicted @ bank.T).scatter(1, also, float("-inf"))
    cosines = cosines.scatter(1, own[:, None], right.to(cosines.dtype))  # autocast makes products bfloat16
    return cross_entropy(cosines * scale, own, reduction="none")


def unit(vectors: Tensor) -> Tensor:
    """Scales vectors ``n d`` to length 1, in fp32."""
    return normalize(vectors.float(), dim=-1, eps=EPS)


@hookimpl
def jepa_distance_functions() -> Mapping[str, object]:
    return {"infonce": InfoNceDistance}
