"""The states of a task's candidates, each by itself.

Axes: ``m d`` states of candidates.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from jepa_core.samples.samples import Samples

#: Candidates whose states are made at once.
PART = 8192


def candidate_states(embed: Callable[[Samples], Tensor], samples: Samples, again: bool = True) -> Tensor:
    """``m d``: the target embedding of each candidate alone.

    Many are made part by part, and, if `again`, once more in the backward pass, so that memory is that of one part. Not
    so where the model is split over processes: another one may have no pair, and nothing to make again."""
    parts = [samples[rows] for rows in torch.arange(len(samples)).split(PART)]
    if len(parts) == 1 or not (again and torch.is_grad_enabled()):
        return torch.cat([embed(part) for part in parts])
    return torch.cat([checkpoint(embed, part, use_reentrant=False) for part in parts])
