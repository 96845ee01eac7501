"""Limits on the size of facts: a set in memory, like a part of one on disk, is padded to its longest fact."""

from __future__ import annotations

from jepa_core import DataError

#: The most places for tokens of a set in memory, padding included: about a gigabyte.
MOST_PLACES = 200_000_000
#: The most tokens of a fact, so that a part of a packed task has room.
LONGEST_FACT = 6_000


def refuse_too_large(facts: int, longest: int) -> None:
    """Raises DataError where this many facts, padded to the longest, do not fit into memory."""
    if facts * longest > MOST_PLACES:
        raise DataError(
            f"{facts:,} facts, the longest of {longest:,} tokens, are too many for memory: expected at most "
            f"{MOST_PLACES // longest:,} of that length, so shorter names or fewer facts"
        )
