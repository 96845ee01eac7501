"""The result of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any

from jepa_core.display.html import table
from jepa_core.display.terminal import figure


@dataclass(frozen=True, repr=False)
class Result:
    """metrics: split -> name -> value, as in ``metrics.json``; output_dir: the run's folder; state: ``trained``,
    ``resumed`` or, when the run was finished before, ``finished``; captions: set or group -> a hint for readers."""

    metrics: dict[str, dict[str, Any]]
    output_dir: Path
    state: str = "trained"
    captions: Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        told = (
            f"{split} {name} {of[name]:.4f}"
            for split, of in self.metrics.items()
            for name in ("mrr", "joint_accuracy")
            if isinstance(of.get(name), float)
        )
        return f"Result({self.state}, {self.output_dir}: {', '.join(told)})"

    def _repr_html_(self) -> str:
        found = [pair for of in self.metrics.values() for pair in of.items()]
        lists = {name for name, value in found if isinstance(value, dict | list)}
        names = [name for name in dict(found) if name not in lists]
        rows = [[name, *(figure(of.get(name)) for of in self.metrics.values())] for name in names]
        return f"<b>{escape(repr(self))}</b>{table(['', *self.metrics], rows, 'figures')}"
