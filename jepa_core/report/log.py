"""Reading ``metrics.jsonl``, the log of a run."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from jepa_core.display.chart import Series
from jepa_core.errors import JepaError
from jepa_core.folder.files import finite_number, read_bytes
from jepa_core.folder.run_folder import RunFolder

#: Steps and seconds that no run reaches.
LIMIT = 1e12


@dataclass(frozen=True)
class Log:
    """lines: ``{"step": …, "seconds": …, …}`` each, in the order written."""

    lines: Sequence[dict[str, Any]] = ()

    def then(self, other: Log) -> Log:
        """Joins the log of a training with that of one that went on from its end."""
        before = self.step
        clock = {"step": before, "seconds": 0}  # begins at 0 again
        return Log([*self.lines, clock, *({**line, "step": before + line["step"]} for line in other.lines)])

    @property
    def step(self) -> int:
        """The last step that was logged."""
        return max((line["step"] for line in self.lines), default=0)

    @property
    def seconds(self) -> float:
        """The time spent training; the clock of the lines begins at 0 again whenever the run was resumed."""
        clock = [float(line.get("seconds", 0)) for line in self.lines]
        ends = [now for now, following in zip(clock, [*clock[1:], -math.inf], strict=False) if following < now]
        return sum(ends)

    @property
    def tokens_per_second(self) -> float | None:
        return self.rate("tokens")

    @property
    def samples_per_second(self) -> float | None:
        """The rate to compare runs by: unlike tokens, samples do not grow with a second view."""
        return self.rate("samples")

    def rate(self, what: str) -> float | None:
        """The median over the log's windows of ``samples`` or ``tokens`` per second; None where none was logged."""
        values = [value for value in self.series(f"{what}_per_second").values if math.isfinite(value)]
        return median(values) if values else None

    def series(self, key: str) -> Series:
        steps = tuple(line["step"] for line in self.lines if key in line)
        values = (finite_number(line[key]) for line in self.lines if key in line)
        return Series(steps, tuple(math.nan if value is None else value for value in values))

    def last(self, key: str) -> dict[str, Any]:
        """The last line with this key; empty where there is none."""
        return next((line for line in reversed(self.lines) if key in line), {})


def read_whole_log(folder: RunFolder) -> Log:
    """Reads the log of a run; after a rehearsal that of learning comes first, and steps are counted on."""
    learned = RunFolder(folder.learned)
    own = read_log(folder.log)
    return read_whole_log(learned).then(own) if learned.started else own


def read_log(path: Path) -> Log:
    """Reads the log at `path`; empty where there is none yet. A last line that was cut off is left out.

    Raises JepaError when another line is no log line.
    """
    if not os.path.lexists(path):
        return Log()
    texts, lines = read_bytes(path).splitlines(), []
    for place, text in enumerate(texts, 1):
        try:
            lines.append(_line(text))
        except ValueError as error:
            if place < len(texts):
                raise JepaError(f"{path}:{place}: no line of a run's log ({error})") from error
    return Log(lines)


def _line(text: bytes) -> dict[str, Any]:
    try:
        line = json.loads(text.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(line, dict) or type(line.get("step")) is not int or not 0 <= line["step"] < LIMIT:
        raise ValueError('expected {"step": …, …}')
    seconds = finite_number(line.get("seconds", 0))
    if seconds is None or not 0 <= seconds < LIMIT:
        raise ValueError("expected a number of seconds")
    return line
