"""Progress bars that suit where they are shown."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm


def progress(**options: Any) -> tqdm:
    """A bar on the terminal; in a file or a pipe, a line every ten seconds."""
    terminal = sys.stderr.isatty()
    return tqdm(dynamic_ncols=terminal, mininterval=0.2 if terminal else 10.0, **options)
