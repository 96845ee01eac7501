"""Reading ``metrics.jsonl``, the log of a run."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from jepa_core.display.chart import Series
from jepa_core.errors import JepaError


@dataclass(frozen=True)
class Log:
    """lines: ``{"step": …, "seconds": …, …}`` each, in the order written."""

    lines: Sequence[dict[str, Any]] = ()

    @property
    def step(self) -> int:
        """The last step that was logged."""
        return max((line["step"] for line in self.lines), default=0)

    @property
    def seconds(self) -> float:
        """Time spent: the clock of the lines begins at 0 again whenever the run was resumed."""
        clock = [float(line.get("seconds", 0)) for line in self.lines]
        ends = [now for now, following in zip(clock, [*clock[1:], -math.inf], strict=False) if following < now]
        return sum(ends)

    @property
    def tokens_per_second(self) -> float | None:
        """The median over the log's windows; None where none was logged."""
        values = [value for value in self.series("tokens_per_second").values if math.isfinite(value)]
        return median(values) if values else None

    def series(self, key: str) -> Series:
        points = [(line["step"], _number(line[key])) for line in self.lines if key in line]
        steps, values = zip(*points, strict=True) if points else ((), ())
        return Series(steps, values)


def read_log(path: Path) -> Log:
    """The log at `path`; empty where there is none yet. A last line that was cut off is left out.

    Raises JepaError when another line is no log line.
    """
    try:
        texts = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    except OSError as error:
        raise JepaError(f"{path}: can't be read: {error.strerror}") from error
    lines = []
    for number, text in enumerate(texts, 1):
        try:
            lines.append(_line(text))
        except ValueError as error:
            if number < len(texts):
                raise JepaError(f"{path}:{number}: no line of a run's log ({error})") from error
    return Log(lines)


def _line(text: str) -> dict[str, Any]:
    line = json.loads(text)
    if not isinstance(line, dict) or not isinstance(line.get("step"), int):
        raise ValueError('expected {"step": …, …}')
    return line


def _number(value: Any) -> float:
    """NaN and infinity stand in the log as text, because JSON has neither."""
    value = float(value) if isinstance(value, int | float) else math.nan
    return value if math.isfinite(value) else math.nan
