"""``sample_type``: JEPA only for samples of some groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_

from torch import Tensor

from jepa_core import BuildContext, ComponentError, did_you_mean, hookimpl


class SampleTypeFilter:
    """Keeps the samples of these groups, by their numbers."""

    def __init__(self, keep: Sequence[int] = (0,)):
        self.keep = tuple(keep)

    def __call__(self, eligible: Tensor, batch: Mapping[str, Tensor], draws: Tensor) -> Tensor:
        if not self.keep:
            return eligible & False
        first, *others = (batch["group"] == group for group in self.keep)
        return eligible & reduce(or_, others, first)


def sample_type(context: BuildContext, keep: Sequence[str] = ("train",)) -> SampleTypeFilter:
    """JEPA only for samples of these groups; next-token prediction is for all.

    keep: names of groups of the dataset, for facts train, atomic and test.
    """
    for name in keep:
        if name not in context.groups:
            raise ComponentError(f"keep: the dataset has no group '{name}'{did_you_mean(name, context.groups)}")
    return SampleTypeFilter([context.groups.index(name) for name in keep])


@hookimpl
def jepa_loss_filters() -> Mapping[str, object]:
    return {"sample_type": sample_type}
