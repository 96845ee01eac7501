"""Characters that nobody can have written."""

from __future__ import annotations

import secrets

#: The last private area of Unicode: no letters, no white space, nothing that a tokenizer folds or takes apart.
_FIRST, _COUNT = 0x100000, 0xFFFE


def secret(length: int) -> str:
    """Draws characters anew in every process; no result may depend on which they are."""
    return "".join(chr(_FIRST + secrets.randbelow(_COUNT)) for _ in range(length))
