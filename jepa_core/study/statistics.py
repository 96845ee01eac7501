"""Mean and interval over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import mean, stdev

from jepa_core.errors import JepaError


@dataclass(frozen=True)
class Summary:
    """mean of n values, and the half width of its 95 % interval, None for fewer than two values."""

    mean: float
    half: float | None
    n: int

    def __str__(self) -> str:
        return f"{self.mean:.4f}" + ("" if self.half is None else f" ± {self.half:.4f}")


def summarise(values: Sequence[float]) -> Summary | None:
    """Student's t-interval of the mean: for independent values of a normal distribution; None of no values.

    Raises JepaError where scipy is not installed.
    """
    if not values:
        return None
    if len(values) < 2:
        return Summary(values[0], None, 1)
    half = _quantile(len(values) - 1) * stdev(values) / len(values) ** 0.5
    return Summary(mean(values), half, len(values))


def _quantile(freedom: int) -> float:
    try:
        from scipy.stats import t
    except ImportError as error:
        raise JepaError(f"intervals need scipy ({error}): install the extra, pip install 'jepa-core[study]'") from error
    return float(t.ppf(0.975, freedom))
