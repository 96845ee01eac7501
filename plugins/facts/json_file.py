"""Reading a user's JSON, with one message for whatever is wrong with it."""

from __future__ import annotations

import gc
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from jepa_core import DataError, JepaError
from jepa_core.folder.files import MAX_BYTES, read_bytes
from jepa_core.folder.lines import decoded_file


@contextmanager
def without_collector() -> Iterator[None]:
    """Pauses the cyclic garbage collector, which would take most of the time over a million new lists that all stay."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def refuse_pipe(path: Path) -> None:
    """Raises DataError for anything but a regular file: reading a pipe would wait for ever."""
    if path.exists() and not path.is_file():
        raise DataError(f"{path}: can't be read: not a regular file")


def read_text(path: Path, limit: int = MAX_BYTES) -> str:
    """Reads a file's text, without its byte order mark. Raises DataError when it is not UTF-8 text, can't be read, or
    is larger than `limit` bytes."""
    try:
        return decoded_file(read_bytes(path, limit), path)
    except DataError:
        raise
    except JepaError as error:
        raise DataError(str(error)) from error


def parse_json(text: str, where: str, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> object:
    """Parses JSON text. `where` opens the message of a DataError, `pairs` makes the objects."""
    try:
        with without_collector():
            return json.loads(text, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        cut = "; is the file cut off?" if not text[error.pos :].strip() else ""
        place = f"line {error.lineno}, column {error.colno}"
        raise DataError(f"{where}: {place}: expected JSON: {error.msg}{cut}") from error
    except (RecursionError, ValueError) as error:
        raise DataError(f"{where}: expected JSON: {error}") from error


def read_json(path: Path, pairs: Callable[[list[tuple[str, Any]]], Any] | None = None) -> object:
    return parse_json(read_text(path), str(path), pairs)
