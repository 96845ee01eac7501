"""Cutting, dropping or refusing a conversation of more tokens than max_length."""

from __future__ import annotations

from typing import Literal

import numpy as np

from jepa_core import DataError
from jepa_plugins.text.tags import Tag, TokenRow
from jepa_plugins.text.tally import Tally

TooLong = Literal["error", "drop", "truncate_prompt"]


def cut(
    row: TokenRow, alone: TokenRow, max_length: int | None, too_long: TooLong, where: str, tally: Tally
) -> tuple[TokenRow, TokenRow] | None:
    """Cuts a row, and its last user turn alone, to `max_length`; None where they are dropped.

    ``truncate_prompt`` takes tokens from the front of users' words, but never all of them, and nothing from an
    answer. Raises DataError, which begins with `where`.
    """
    if max_length is None or len(row) <= max_length:
        return row, alone
    if too_long == "drop":
        tally["dropped"] += 1
        return None
    if too_long == "error":
        raise DataError(
            f"{where}: has {len(row):,} tokens, more than max_length {max_length:,}: raise it, or set too_long to "
            "'drop' or 'truncate_prompt'"
        )
    users = np.flatnonzero(row.tags == Tag.USER)
    surplus = len(row) - max_length
    if surplus >= len(users):
        raise DataError(
            f"{where}: has {len(row):,} tokens, of them {len(users):,} of the user's, and an answer is never cut: "
            f"expected max_length {len(row) - len(users) + 1:,} or more"
        )
    tally["cut"] += 1
    taken = users[:surplus]
    said = np.flatnonzero(alone.tags == Tag.USER)
    kept = int((users[surplus:] >= _last_turn(users)).sum())  # of the last user turn
    return row.without(taken), alone.without(said[: max(len(said) - kept, 0)])


def _last_turn(users: np.ndarray) -> int:
    """The beginning of the last run of neighbouring places."""
    breaks = np.flatnonzero(np.diff(users) > 1)
    return int(users[breaks[-1] + 1]) if len(breaks) else int(users[0])
