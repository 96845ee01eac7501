"""Characters that stand in no text that anybody wrote."""

from __future__ import annotations

import secrets

#: The last private area of Unicode: no character, no white space, nothing that a tokenizer folds or takes apart.
_FIRST, _COUNT = 0x100000, 0xFFFE


def secret(length: int) -> str:
    """Characters drawn anew in every process: what is made with them must not depend on which they are."""
    return "".join(chr(_FIRST + secrets.randbelow(_COUNT)) for _ in range(length))
