"""Progress bars that suit where they are shown."""

from __future__ import annotations

import os
import re
import sys
from typing import Any, TextIO

from tqdm import tqdm


def speaks() -> bool:
    """Tells whether this process talks to the person: the first of those that torchrun started does."""
    return os.environ.get("RANK", "0") == "0"


def progress(**options: Any) -> tqdm:
    """A bar on the terminal; in a file or a pipe, a line every ten seconds."""
    if sys.stderr.isatty():
        return tqdm(dynamic_ncols=True, mininterval=0.2, disable=not speaks(), **options)
    plain: dict[str, Any] = {"file": Lines(sys.stderr), "mininterval": 10.0, "position": 0}
    return tqdm(bar_format=LINE, disable=not speaks(), **plain, **options)


LINE = "{desc}: {n_fmt} of {total_fmt} after {elapsed}, {rate_fmt}{postfix}"


class Lines:
    """A stream that makes lines of a bar's output: nothing is drawn over; text that only clears a line is dropped."""

    def __init__(self, stream: TextIO):
        self.stream = stream
        self.last = ""

    def write(self, text: str) -> None:
        for part in _STEERING.split(_NO_RATE.sub("", text)):
            if part.strip() and part != self.last:
                self.last = part
                self.stream.write(part.rstrip() + "\n")

    def flush(self) -> None:
        self.stream.flush()


#: A rate before anything was done.
_NO_RATE = re.compile(r", \?\S+/s")
_STEERING = re.compile(r"\r|\n|\x1b\[\w")
