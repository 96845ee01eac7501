"""Lines of a text file, one at a time: neither the file nor one of its lines need fit into memory."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

from jepa_core.errors import DataError
from jepa_core.folder.files import reason

#: The byte order mark, which some systems put before text to say that it is UTF-8.
MARK = b"\xef\xbb\xbf"


def numbered_lines(path: Path, longest: int) -> Iterator[tuple[int, bytes]]:
    """Yields number, from 1, and content of every line that is not blank, without byte order mark and line end.

    Raises DataError for a line of more than `longest` bytes, read no further than that, and for anything but a regular
    file: a pipe would be waited for.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise DataError(f"{path}: can't be read: not a regular file")
        with open(path, "rb") as file:
            number = 0
            while line := file.readline(longest + 5):  # a mark and an end beside it
                number += 1
                text = line.removeprefix(MARK).rstrip(b"\r\n") if number == 1 else line.rstrip(b"\r\n")
                if len(text) > longest:
                    raise DataError(f"{path}: line {number}: is longer than {longest:,} bytes")
                if text.strip():
                    yield number, text
    except OSError as error:
        raise DataError(f"{path}: can't be read: {reason(error)}") from error


def decoded(content: bytes, where: str) -> str:
    """Decodes a line. Raises DataError naming its first byte, from 1, that is not UTF-8."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(f"{where}: expected UTF-8 text; byte {error.start + 1} is none: {error.reason}") from error


def decoded_file(content: bytes, path: Path) -> str:
    """Decodes a whole file, without its byte order mark. Raises DataError naming the line that is not UTF-8."""
    content = content.removeprefix(MARK)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        number = content.count(b"\n", 0, error.start) + 1
        line = content[content.rfind(b"\n", 0, error.start) + 1 :].partition(b"\n")[0]
        return decoded(line, f"{path}: line {number}")
