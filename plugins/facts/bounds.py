"""How large facts may be: a set in memory is padded to its longest fact, and so is a part of one that is on disk."""

from __future__ import annotations

from jepa_core import DataError

#: Places for tokens in a set that is in memory, padding included: about a gigabyte.
MOST_PLACES = 200_000_000
#: Tokens of a fact: as many as a part of a packed task has room for.
LONGEST_FACT = 6_000


def refuse_too_large(facts: int, longest: int) -> None:
    """Raises DataError where so many facts, the longest of so many tokens, do not fit into memory."""
    if facts * longest > MOST_PLACES:
        raise DataError(
            f"{facts:,} facts, the longest of {longest:,} tokens, are too many for memory: expected at most "
            f"{MOST_PLACES // longest:,} of that length, so shorter names or fewer facts"
        )
