"""Standard output and error that outlive their reader, and text that can't give orders to a terminal."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import re
import select
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout, suppress
from typing import Any

#: Control characters but tab and line end, those that turn the direction of writing, and surrogates.
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def plain(text: str) -> str:
    """Replaces each character that a terminal would obey by a picture of it.

    >>> plain("\\x1b[2J")
    '␛[2J'
    """
    return _CONTROL.sub(_picture, text)


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    return chr(0x2400 + code) if code < 0x20 else "␡" if code == 0x7F else "\N{REPLACEMENT CHARACTER}"


class _Unfailing(io.FileIO):
    """A file that takes every write; data that can't be written is dropped. lost: the first error, None before it."""

    lost: OSError | None = None

    def write(self, data: Any, /) -> int:
        try:
            while (written := super().write(data)) is None:  # a terminal that somebody made non-blocking
                select.select([], [self.fileno()], [])
            return written
        except OSError as error:
            self.lost = self.lost or error
            return memoryview(data).nbytes


def outlive_readers() -> None:
    """Makes ``sys.stdout`` and ``sys.stderr`` never raise from here on: not when their reader is gone, their disk full,
    their terminal closed, nor for a character that their encoding does not have. One that was closed from the start
    becomes the null device, so that no other file gets its number.
    """
    _open_where_closed(0)
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        _open_where_closed(descriptor)
        before = getattr(sys, name)
        if before is not None and not _is(before, descriptor):
            continue  # somebody put something else there
        raw = io.BufferedWriter(_Unfailing(descriptor, "w", closefd=False))
        by_line, at_once = (getattr(before, how, False) for how in ("line_buffering", "write_through"))
        encoding = before.encoding if before else "utf-8"
        stream = io.TextIOWrapper(raw, encoding, "backslashreplace", line_buffering=by_line, write_through=at_once)
        setattr(sys, name, stream)


def plain_json(data: object) -> str:
    """JSON on one line: letters as they are, every character that a terminal would obey as its number.

    >>> plain_json({"é": "\\x9b2J"})
    '{"é": "\\\\u009b2J"}'
    """
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(data, ensure_ascii=False))


class _PlainRecord(logging.LogRecord):
    def getMessage(self) -> str:
        return plain(super().getMessage())


def plain_warnings() -> None:
    """Makes ``warnings`` and ``logging`` show :func:`plain` text from here on: it holds names from anywhere."""
    as_python_does = warnings.formatwarning
    warnings.formatwarning = lambda *said, **more: plain(as_python_does(*said, **more))
    logging.setLogRecordFactory(_PlainRecord)


def output_lost() -> OSError | None:
    """The error that kept standard output from being written, if any; not a reader that went away: it had enough."""
    with suppress(ValueError):  # closed
        sys.stdout.flush()
    lost = getattr(getattr(getattr(sys.stdout, "buffer", None), "raw", None), "lost", None)
    return None if lost is None or lost.errno == errno.EPIPE else lost


@contextmanager
def only_results_on_stdout() -> Iterator[None]:
    """Sends all that plugins and libraries print in this context, also past Python, to standard error."""
    sys.stdout.flush()
    try:
        kept = os.dup(1)
    except OSError:  # standard output is closed
        kept = None
    try:
        if kept is not None:
            os.dup2(2, 1)
        with redirect_stdout(sys.stderr):
            yield
    finally:
        if kept is not None:
            os.dup2(kept, 1)
            os.close(kept)


def _open_where_closed(descriptor: int) -> None:
    try:
        os.fstat(descriptor)
    except OSError:
        null = os.open(os.devnull, os.O_RDWR)
        if null != descriptor:
            os.dup2(null, descriptor)
            os.close(null)


def _is(stream: Any, descriptor: int) -> bool:
    try:
        return stream.fileno() == descriptor
    except (OSError, ValueError, AttributeError):
        return False
