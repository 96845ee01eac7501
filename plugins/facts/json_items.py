"""Reading a JSON list that need not fit into memory."""

from __future__ import annotations

import json
import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jepa_core import DataError, show
from jepa_plugins.facts.json_file import refuse_pipe, without_collector

#: Bytes read, and items yielded, at a time.
READ, ITEMS = 1 << 22, 1 << 15
#: Characters so close to the end of the text read so far may be cut off, and wait for the rest.
_TOKEN = 16
_BLANK = re.compile(r"[ \t\n\r]*")


def read_items(path: Path) -> Iterator[list[Any]]:
    """Yields the items of the list in a file, many at a time.

    Raises DataError when the file can't be read, and naming line and column for anything but a JSON list.
    """
    try:
        refuse_pipe(path)
        with open(path, "rb") as file, without_collector():
            yield from _Reader(path, file).items()
    except OSError as error:
        raise DataError(f"{path}: can't be read: {error.strerror or error}") from error


class _Reader:
    """The part of the text in memory, and its place in the file."""

    def __init__(self, path: Path, file: Any):
        self.path = path
        self.file = file
        self.text, self.at, self.ended = "", 0, False
        self.line, self.column = 1, 1  # of the text's first character
        self.decode = json.JSONDecoder().raw_decode
        self.characters = getincrementaldecoder("utf-8-sig")().decode
        self.lines = 1  # where what is read next begins

    def items(self) -> Iterator[list[Any]]:
        self._expect("[", "a list")
        found: list[Any] = []
        if self._peek() == "]":
            self.at += 1
        else:
            while True:
                found.append(self._value())
                if len(found) == ITEMS:
                    yield found
                    found = []
                if self._expect(",]", "',' or ']'") == "]":
                    break
        if found:
            yield found
        if self._peek():
            raise self._error("expected the end of the file")

    def _value(self) -> Any:
        self._peek()
        while True:
            try:
                value, end = self.decode(self.text, self.at)
            except (ValueError, RecursionError) as error:
                message, at = getattr(error, "msg", str(error)), getattr(error, "pos", self.at)
                cut = len(self.text) - at < _TOKEN or message.startswith("Unterminated string")
                if not (cut and self._more()):
                    raise self._error(f"expected JSON: {message}", at) from error
                continue
            if len(self.text) - end >= _TOKEN or not self._more():  # a number at the end may go on
                self.at = end
                return value

    def _expect(self, characters: str, what: str) -> str:
        if (found := self._peek()) not in tuple(characters):
            raise self._error(f"expected {what}")
        self.at += 1
        return found

    def _peek(self) -> str:
        """The next character that is no blank; empty at the end."""
        while True:
            match = _BLANK.match(self.text, self.at)
            self.at = match.end() if match else self.at
            if self.at < len(self.text):
                return self.text[self.at]
            if not self._more():
                return ""

    def _more(self) -> bool:
        """Reads on, dropping the text before `at`. False at the end of the file."""
        if self.ended:
            return False
        content = self.file.read(max(READ, len(self.text) - self.at))
        self.ended = not content
        read = self._characters(content)
        if self.ended:
            return False
        self.line, self.column = self._place(self.at)
        self.text, self.at = self.text[self.at :] + read, 0
        return True

    def _characters(self, content: bytes) -> str:
        """Decodes bytes, keeping a character cut off at their end for the next call; no bytes mean the end."""
        try:
            text = self.characters(content, not content)
        except UnicodeDecodeError as error:
            line = self.lines + error.object.count(b"\n", 0, error.start)
            raise DataError(f"{self.path}: line {line}: expected UTF-8 text: {error.reason}") from error
        self.lines += content.count(b"\n")
        return text

    def _place(self, at: int) -> tuple[int, int]:
        lines = self.text.count("\n", 0, at)
        before = self.text.rfind("\n", 0, at)
        return self.line + lines, at - before if lines else self.column + at

    def _error(self, message: str, at: int | None = None) -> DataError:
        at = self.at if at is None else at
        cut = "; is the file cut off?" if not self.text[at:].strip() else f", not {show(self.text[at : at + 20])}"
        line, column = self._place(at)
        return DataError(f"{self.path}: line {line}, column {column}: {message}{cut}")
