"""``sample_type``: JEPA only for samples of some types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import Tensor

from jepa_core import hookimpl
from jepa_core.errors import ComponentError, did_you_mean
from jepa_core.samples.samples import SampleType


class SampleTypeFilter:
    """Keeps the samples of these types: ``train``, ``atomic``, ``test``."""

    def __init__(self, keep: Sequence[str] = ("train",)):
        known = [t.name.lower() for t in SampleType]
        for name in keep:
            if name not in known:
                raise ComponentError(f"keep: unknown sample type '{name}'{did_you_mean(name, known)}")
        self.keep = tuple(int(SampleType[name.upper()]) for name in keep)

    def __call__(self, eligible: Tensor, batch: Mapping[str, Tensor], draws: Tensor) -> Tensor:
        kept = eligible & False
        for sample_type in self.keep:
            kept = kept | (batch["sample_type"] == sample_type)
        return eligible & kept


@hookimpl
def jepa_loss_filters() -> Mapping[str, object]:
    return {"sample_type": SampleTypeFilter}
