"""``loss_dropout``: drop eligible pairs at random while training."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field
from torch import Tensor

from jepa_core import hookimpl


class LossDropout:
    """Drops each eligible sample with probability `rate`, before its second view is made.

    The draw is a hash of (seed, step, sample index): the same for any split of the batch, and nothing to
    save. level: ``sample`` draws for each sample, ``step`` once for all samples of an optimizer step.
    """

    training_only = True

    def __init__(self, rate: Annotated[float, Field(ge=0, le=1)] = 0.0, level: Literal["sample", "step"] = "sample"):
        if not 0 <= rate <= 1:
            raise ValueError(f"rate is a probability from 0 to 1, not {rate}")
        self.rate = rate
        self.draws_per = level

    def __call__(self, eligible: Tensor, batch: Mapping[str, Tensor], draws: Tensor) -> Tensor:
        return eligible & (draws >= self.rate)


@hookimpl
def jepa_loss_filters() -> Mapping[str, object]:
    return {"loss_dropout": LossDropout}
