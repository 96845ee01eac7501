"""Progress bars that suit where they are shown."""

from __future__ import annotations

import os
import sys
from typing import Any

from tqdm import tqdm


def speaks() -> bool:
    """Is this the process that talks to the person: the first one of those that torchrun started."""
    return os.environ.get("RANK", "0") == "0"


def progress(**options: Any) -> tqdm:
    """A bar on the terminal; in a file or a pipe, a line every ten seconds."""
    terminal = sys.stderr.isatty()
    return tqdm(dynamic_ncols=terminal, mininterval=0.2 if terminal else 10.0, disable=not speaks(), **options)
