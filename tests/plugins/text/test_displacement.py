"""The displacement of a view: its contract, and by hand."""

from __future__ import annotations

import torch

from jepa_core.testing import EmbeddingContract
from jepa_plugins.text.displacement import Displacement


class TestDisplacement(EmbeddingContract):
    def make(self):
        return Displacement()


def test_neighbours_telescope_and_gaps_do_not():
    """States are squares: of places 1, 2 and 4 it is 4 - 0 and 16 - 9."""
    hidden = torch.arange(6.0).square()[None, :, None]
    chosen = torch.tensor([[False, True, True, False, True, False]])
    tags = torch.ones_like(chosen, dtype=torch.int64)
    made = Displacement()
    assert made(hidden, chosen, tags).tolist() == [[4.0 - 0 + 16 - 9]]
    assert made.reads(chosen, tags).nonzero()[:, 1].tolist() == [0, 2, 3, 4]
