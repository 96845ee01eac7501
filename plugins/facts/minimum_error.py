"""Cutting numbers from several populations so that the fewest end up on the wrong side."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import pad

#: The least share of all values on either side of a cut; smaller populations can't be told from outliers.
LEAST_SHARE = 0.01
#: The share of the lower peak below which the density between two populations has to fall.
VALLEY = 0.5
_SMALLEST_VARIANCE = 1e-12
_BINS = 512


def minimum_error(values: Tensor) -> float | None:
    """The lowest of the upper values, or None where there are no two populations.

    values: ``n``. Each side is taken for a normal population of its own size and spread, and the cut is where a value
    is least likely to be on the wrong side (Kittler and Illingworth 1986). Two populations need a better Bayesian
    information criterion than one, and a valley of the density between them: a single skewed population passes the
    first test.
    """
    ordered = values.double().sort().values
    n, margin = len(ordered), max(3, math.ceil(LEAST_SHARE * len(ordered)))
    if n < 2 * margin or not bool(torch.isfinite(ordered).all()) or ordered[0] == ordered[-1]:
        return None
    lower = torch.arange(margin, n - margin + 1)  # how many values are below the cut
    costs = _cost(ordered, lower)
    best = int(costs.argmin())
    gain = n * (0.5 * math.log(max(float(ordered.var(unbiased=False)), _SMALLEST_VARIANCE)) - float(costs[best]))
    first = int(lower[best])
    if gain <= 1.5 * math.log(n) or not _has_valley(ordered, first):
        return None
    return float(ordered[first])


def uppermost(values: Tensor) -> float | None:
    """The lowest value of the uppermost population, or None where there is but one.

    values: ``n``. What is above a cut may be two populations in turn, and is cut again for as long as it is. Answers
    that lead back to their question's head are such: where another relation leads back, the answer was a guess.
    """
    cut = minimum_error(values)
    while cut is not None and (higher := minimum_error(values[values >= cut])) is not None:
        cut = higher
    return cut


def _cost(ordered: Tensor, lower: Tensor) -> Tensor:
    """Minus the mean log-likelihood ``c``, up to a constant, with `lower` values ``c`` on the lower side."""
    centred = ordered - ordered.mean()
    sums, squares = (pad(part.cumsum(0), (1, 0)) for part in (centred, centred.square()))
    n = len(ordered)
    below = _side(lower, sums[lower], squares[lower], n)
    return below + _side(n - lower, sums[-1] - sums[lower], squares[-1] - squares[lower], n)


def _side(count: Tensor, total: Tensor, squares: Tensor, n: int) -> Tensor:
    variance = (squares / count - (total / count).square()).clamp(min=_SMALLEST_VARIANCE)
    share = count / n
    return share * (variance.log() / 2 - share.log())


def _has_valley(ordered: Tensor, first: int) -> bool:
    """Tells whether the density is low between the peaks on both sides of the cut before value `first`."""
    density, low, width = _density(ordered)
    edges = ((ordered[[first - 1, first]] - low) / width).long().clamp(0, len(density) - 1)
    left, right = int(density[: int(edges[0]) + 1].argmax()), int(edges[1]) + int(density[int(edges[1]) :].argmax())
    peaks = min(float(density[left]), float(density[right]))
    return float(density[left : right + 1].min()) < VALLEY * peaks


def _density(ordered: Tensor) -> tuple[Tensor, float, float]:
    """A histogram smoothed by a normal kernel (Silverman's width, with quartiles), its start and its bin width."""
    n = len(ordered)
    quartiles = ordered[[n // 4, 3 * n // 4]]
    spread = min(float(ordered.std()), float(quartiles[1] - quartiles[0]) / 1.34 or math.inf)
    bandwidth = 0.9 * spread * n**-0.2
    low, high = float(ordered[0]) - 3 * bandwidth, float(ordered[-1]) + 3 * bandwidth
    width = (high - low) / _BINS
    counts = torch.histc(ordered, _BINS, low, high)
    reach = min(_BINS, math.ceil(4 * bandwidth / width))
    kernel = torch.exp(-0.5 * (torch.arange(-reach, reach + 1).double() * width / bandwidth).square())
    smooth = torch.nn.functional.conv1d(counts[None, None], kernel[None, None], padding=reach)[0, 0]
    return smooth, low, width
