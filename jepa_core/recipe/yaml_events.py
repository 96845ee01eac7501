"""Turns bytes into PyYAML's events, one by one, with a single exception for whatever cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

MAX_BYTES = 1 << 20


class Refused(Exception):
    """The file cannot be read any further than `line`."""

    def __init__(self, line: int, message: str):
        self.line = line
        super().__init__(message)


def line_of(event: Any) -> int:
    return event.start_mark.line + 1


def decode(content: bytes | str) -> str:
    """The text of a file. Raises Refused when it is too large or not UTF-8."""
    if len(content) > MAX_BYTES:
        raise Refused(1, f"larger than {MAX_BYTES >> 20} MiB")
    if isinstance(content, str):
        return content
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise Refused(line, f"not UTF-8 text (byte 0x{content[error.start]:02x})") from error


def events(text: str) -> Iterator[yaml.Event]:
    """Yields PyYAML's events. Raises Refused, with one sentence on what is wrong."""
    line = 1
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            line = line_of(event)
            yield event
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Refused(mark.line + 1 if mark else line, _in_words(error)) from error
    except yaml.reader.ReaderError as error:
        where, found = text.count("\n", 0, error.position) + 1, ord(text[error.position])
        raise Refused(where, f"the character U+{found:04X} is not allowed") from error
    except (ValueError, OverflowError) as error:  # PyYAML hands these to chr() and int() as they are
        raise Refused(line, "not valid YAML: an escape or a version number out of range") from error


def _in_words(error: yaml.MarkedYAMLError) -> str:
    if "'\\t'" in str(error.problem):
        return "a tab; YAML is indented with spaces"
    return "not valid YAML: " + ", ".join(filter(None, (error.problem, error.context)))
