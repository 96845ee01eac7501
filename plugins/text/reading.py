"""Reading JSON Lines, a line at a time: the file need not fit into memory, and errors name the line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jepa_core import DataError
from jepa_core.folder.lines import decoded, numbered_lines

#: The most bytes of a line; a longer one is no conversation, and would only fill the memory.
LONGEST_LINE = 1 << 26


@dataclass(frozen=True)
class JsonLines:
    """A file with a JSON value a line; empty lines, a byte order mark and CRLF are skipped."""

    path: Path

    @property
    def name(self) -> str:
        return str(self.path)

    def where(self, line: int) -> str:
        return f"{self.path}: line {line}"

    def __iter__(self) -> Iterator[tuple[int, Any]]:
        """Yields the number, from 1, and the value of each line; for a bad line its DataError instead, so that whoever
        reads can tell of all of them."""
        for number, line in numbered_lines(self.path, LONGEST_LINE):
            try:
                yield number, parse(line, self.where(number))
            except DataError as error:
                yield number, error

    def digest(self) -> str:
        """The sha256 of the file's bytes. Raises DataError where it can't be read."""
        try:
            with open(self.path, "rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise DataError(f"{self.path}: can't be read: {error.strerror or error}") from error


def parse(line: bytes, where: str) -> Any:
    """Parses the JSON value of a line; `where` opens the message of a DataError."""
    text = decoded(line, where)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        hint = "; a file of one value a line is read, no list over several" if line.strip() in (b"[", b"{") else ""
        raise DataError(f"{where}: expected JSON: {error.msg} at column {error.colno}{hint}") from error
    except (RecursionError, ValueError) as error:
        raise DataError(f"{where}: expected JSON: {error}") from error
