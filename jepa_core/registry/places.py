"""The places, in a file or on the command line, where the keys of a recipe were given."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass

KeyPath = tuple[str | int, ...]
#: Stands for a line number, after every line of the file.
COMMAND_LINE = sys.maxsize


def dotted(path: KeyPath) -> str:
    """The path as text: ``objective.filters.1.rate``."""
    return ".".join(map(str, path))


def value_at(data: object, path: KeyPath) -> object:
    """The value at `path` in raw data; None where there is none, or where something on the way is no mapping."""
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    return data


@dataclass(frozen=True)
class Places:
    """file: as the user typed it; lines: key path -> line, from 1, or `COMMAND_LINE`."""

    file: str
    lines: Mapping[KeyPath, int]

    def line(self, path: KeyPath) -> int:
        """The line of `path`, or of its nearest parent that was given; 1 where none was."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)

    def where(self, path: KeyPath) -> str:
        """``file:line`` or ``command line``."""
        line = self.line(path)
        return "command line" if line == COMMAND_LINE else f"{self.file}:{line}"
