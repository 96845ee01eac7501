"""The promises of a loss filter: :class:`jepa_core.components.LossFilter`."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from jepa_core.components import FilterTraits
from jepa_core.testing.contract import ComponentContract, clause, expect_shape
from jepa_core.testing.examples import batch_of

B = 16


class FilterContract(ComponentContract):
    """Subclass it and implement ``make``; see ``jepa_core.testing``."""

    kind = "filter"

    def make_batch(self, b: int) -> dict[str, Tensor]:
        """Makes a batch of `b` samples, of every group. Override it for filters that read further keys."""
        return batch_of([row % 5 for row in range(b)])

    def inputs(self) -> tuple:
        """eligible ``b`` (every third is not), the batch, draws ``b`` in [0, 1)."""
        rows = torch.arange(B)
        by_step = FilterTraits.of(self.make()).draws_per == "step"
        draws = torch.full((B,), 0.25) if by_step else (rows * 7 % B) / B
        return rows % 3 != 0, self.make_batch(B), draws

    def on(self, component: Any, rows: slice) -> Tensor:
        """The filter's result for these rows of the inputs alone."""
        eligible, batch, draws = self.inputs()
        return self.call(component, eligible[rows], {k: v[rows] for k, v in batch.items()}, draws[rows])

    @pytest.mark.parametrize("b", [0, 1, B])
    @clause("a filter returns one bool a sample, 'b'; of one sample, and of none, too")
    def test_returns_one_bool_a_sample(self, b: int) -> None:
        result = self.on(self.make(), slice(b))
        expect_shape(result, "b", b=b)
        assert result.dtype == torch.bool, f"returned {result.dtype}, not bool"

    @clause("a filter only takes samples away: one that is not eligible stays so")
    def test_never_revives_a_sample(self) -> None:
        component, (eligible, batch, draws) = self.make(), self.inputs()
        revived = (self.call(component, eligible, batch, draws) & ~eligible).nonzero().flatten().tolist()
        assert not revived, f"samples {revived} were not eligible and are kept; return eligible & …"
        nothing = self.call(component, torch.zeros_like(eligible), batch, draws)
        assert not nothing.any(), "with no sample eligible it keeps some"

    @clause("a sample is kept or dropped for its own sake: any split of a step into batches decides the same")
    def test_any_split_decides_the_same(self) -> None:
        component = self.make()
        together = self.on(component, slice(B))
        for size in (1, 5):
            parts = [self.on(component, slice(start, start + size)) for start in range(0, B, size)]
            assert torch.equal(torch.cat(parts), together), f"in batches of {size} other samples are kept"
