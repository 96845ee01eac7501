"""Listens to what a block of code asks of Python and the system, through one audit hook for all tests.

Python never takes a hook away again, and calls each at every ``open`` and every ``id``: many would slow all that is
tested after them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

Listener = Callable[[str, tuple[Any, ...]], None]

_listeners: list[Listener] = []


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Calls the listener with each audit event of the block, and its arguments."""
    _begin()
    _listeners.append(listener)
    try:
        yield
    finally:
        _listeners.remove(listener)


@cache
def _begin() -> None:
    sys.addaudithook(_tell)


def _tell(event: str, args: tuple[Any, ...]) -> None:
    for listener in _listeners:
        listener(event, args)
