from __future__ import annotations

import pytest

from jepa_core.errors import DataError
from jepa_plugins.facts.alike import FACTS
from jepa_plugins.facts.bounds import LONGEST_FACT, MOST_PLACES, refuse_too_large


def test_facts_times_the_longest_is_what_counts():
    refuse_too_large(0, 10**12)
    refuse_too_large(MOST_PLACES // 20, 20)
    with pytest.raises(DataError, match=r"^10,000,001 facts, the longest of 20 tokens, .* at most 10,000,000 of that"):
        refuse_too_large(MOST_PLACES // 20 + 1, 20)


def test_a_part_of_a_packed_task_fits_into_memory_whatever_is_in_it():
    assert FACTS * LONGEST_FACT <= MOST_PLACES
