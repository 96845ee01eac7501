"""Principal components against numpy's singular values, and by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from jepa_core.display.projection import project


def test_against_numpy():
    rng = np.random.default_rng(0)
    predicted, target = rng.normal(size=(30, 5)) * [5, 4, 1, 1, 1] + 3, rng.normal(size=(30, 5))
    ours = project(torch.from_numpy(predicted), torch.from_numpy(target))
    points = np.concatenate([predicted, target])
    points = points - points.mean(axis=0)
    _, values, directions = np.linalg.svd(points)
    expected = points @ directions[:2].T
    signs = np.sign((expected * torch.cat([ours.predicted, ours.target]).numpy()).sum(axis=0))
    assert ours.predicted.numpy() == pytest.approx(expected[:30] * signs)
    assert ours.target.numpy() == pytest.approx(expected[30:] * signs)
    assert list(ours.shares) == pytest.approx((values**2 / (values**2).sum())[:2])


def test_by_hand():
    """Points lie at ±3 and ±1 along x about their mean (7, 2), along y at 0; the signs are those of x."""
    ours = project(torch.tensor([[4.0, 2.0], [6.0, 2.0]]), torch.tensor([[8.0, 2.0], [10.0, 2.0]]))
    assert ours.predicted[:, 0].tolist() == pytest.approx([-3, -1])
    assert ours.target[:, 0].tolist() == pytest.approx([1, 3])
    assert ours.predicted[:, 1].tolist() == pytest.approx([0, 0], abs=1e-12)
    assert list(ours.shares) == pytest.approx([1, 0])


def test_length_and_spread():
    """Points at (3, 4) and (3, -4), which are 5 long and 4 from their mean."""
    ours = project(torch.tensor([[3.0, 4.0]]), torch.tensor([[3.0, -4.0]]))
    assert (ours.length, ours.spread) == pytest.approx((5, 4))


def test_points_in_a_plane_keep_their_distances():
    torch.manual_seed(0)
    flat = torch.randn(20, 2, dtype=torch.float64) @ torch.linalg.qr(torch.randn(6, 6, dtype=torch.float64))[0][:2]
    ours = project(flat[:10], flat[10:])
    assert torch.allclose(torch.cdist(ours.predicted, ours.target), torch.cdist(flat[:10], flat[10:]), atol=1e-6)
    assert sum(ours.shares) == pytest.approx(1)


def test_equal_input_looks_equal():
    """Negated and scrambled directions: the sign is fixed by the largest weight, not by the solver."""
    torch.manual_seed(0)
    points = torch.randn(20, 4) * torch.tensor([4.0, 2.0, 1.0, 0.5])
    ours, turned = project(points[:10], points[10:]), project(points[10:], points[:10])
    assert torch.allclose(ours.predicted, turned.target)
    assert torch.allclose(ours.target, turned.predicted)


@pytest.mark.parametrize("width", [2, 7])
def test_one_pair_and_collapsed_points(width):
    one = project(torch.ones(1, width), torch.zeros(1, width))
    assert one.shares[0] == pytest.approx(1)
    collapsed = project(torch.ones(5, width), torch.ones(5, width))
    assert list(collapsed.shares) == [0, 0]
    assert collapsed.predicted.abs().max() == 0
