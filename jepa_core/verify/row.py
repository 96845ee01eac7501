"""One line of a verification: the subject, the figure, and the bound."""

from __future__ import annotations

import inspect
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial
from math import isfinite
from pathlib import Path
from typing import Any

from torch import nn


class Verdict(StrEnum):
    """The outcome of a line; `WARN` and `NA` (not applicable, with the reason as evidence) fail nothing."""

    PASS = "pass"
    FAIL = "fail"
    WARN = "warn"
    NA = "n/a"


@dataclass(frozen=True)
class Row:
    """figure: the measured one, against `bound`; evidence: text for a person, one line or more; source: ``file:line``
    of the code under test; check: the one that the line belongs to."""

    name: str
    verdict: Verdict
    figure: float | int | None = None
    bound: str = ""
    evidence: str = ""
    source: str = ""
    check: str = ""

    @property
    def told(self) -> str:
        """The figure and bound as ``2.1e-07 (≤ 1e-05)``."""
        return " ".join(filter(None, (_figure(self.figure), f"({self.bound})" if self.bound else "")))

    def to_json(self) -> dict[str, Any]:
        """The line for JSON, which has no NaN."""
        finite = self.figure is None or isfinite(self.figure)
        return asdict(self) | {"figure": self.figure if finite else None, "verdict": str(self.verdict)}


def _figure(value: float | int | None) -> str:
    if value is None:
        return ""
    if isinstance(value, int) or value == 0:
        return f"{value:,.0f}"
    return f"{value:.1e}" if abs(value) < 1e-3 else f"{value:.4g}"


def at_most(name: str, figure: float | int, bound: float | int, evidence: str, source: str) -> Row:
    """A line that passes where the figure is at most `bound`; NaN fails."""
    limit = f"= {bound}" if bound == 0 else f"≤ {bound:g}"
    return Row(name, Verdict.PASS if figure <= bound else Verdict.FAIL, figure, limit, evidence, source)


def exactly(name: str, figure: int, wanted: int, evidence: str, source: str) -> Row:
    return Row(name, Verdict.PASS if figure == wanted else Verdict.FAIL, figure, f"= {wanted}", evidence, source)


def not_applicable(name: str, reason: str, source: str = "") -> Row:
    return Row(name, Verdict.NA, evidence=reason, source=source)


def source_of(code: Any) -> str:
    """``file:line`` of a function, a class, or a component's code when it is called.

    The file is relative to the folder that holds its package: ``jepa_core/objective/plan.py:30``.
    """
    while isinstance(code, partial):
        code = code.func
    if not (inspect.isroutine(code) or inspect.isclass(code)):
        code = type(code).forward if isinstance(code, nn.Module) else type(code).__call__
    code = inspect.unwrap(code)
    try:
        file, line = inspect.getsourcefile(code), inspect.getsourcelines(code)[1]
    except (OSError, TypeError):  # built in, or typed at a prompt
        return f"{getattr(code, '__module__', '?')}.{getattr(code, '__qualname__', '?')}"
    path, depth = Path(str(file)), code.__module__.count(".")
    return f"{path.relative_to(path.parents[depth]) if depth < len(path.parents) else path}:{line}"
