"""Points of the tube, by contract and by hand."""

from __future__ import annotations

import torch

from jepa_core.testing import ReversalContract
from jepa_plugins.text.tube import tube
from tests.plugins.text.conversations import TAGS, context, samples


class TestTube(ReversalContract):
    number_of_tags = len(TAGS)

    def make(self):
        return tube(context())

    def make_samples(self):
        return samples()


class TestNeighbours(TestTube):
    def make(self):
        return tube(context(), neighbours=True)


def points(neighbours: bool, number: float) -> list[list[list[int]]]:
    draws = lambda _: torch.full((5,), number, dtype=torch.float64)  # noqa: E731
    [pair] = tube(context(), neighbours=neighbours)(samples(), draws).pairs
    return [[row.nonzero().flatten().tolist() for row in view.select] for view in pair]


def test_points_by_hand():
    """The first path is 2, 3, 4, 6, 7, the last 1, 3, 4, 5, 6."""
    source, target = points(neighbours=False, number=0.99)
    assert (source[0], target[0]) == ([4, 6], [6, 7])
    source, target = points(neighbours=True, number=0.4)
    assert (source[0], target[0]) == ([3, 4], [4, 6])
    assert (source[4], target[4]) == ([3, 4], [4, 5])


def test_a_path_too_short_weighs_nothing():
    [weights] = tube(context())(samples(), lambda _: torch.zeros(5, dtype=torch.float64)).weights
    assert weights.tolist() == [1, 0, 0, 1, 1]
