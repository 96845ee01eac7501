from __future__ import annotations

import numpy as np
import pytest

from jepa_core.errors import DataError
from jepa_plugins.text.cut import cut
from jepa_plugins.text.tags import Tag, TokenRow
from jepa_plugins.text.tally import Tally

OF = {"t": Tag.TEMPLATE, "s": Tag.SYSTEM, "u": Tag.USER, "a": Tag.ASSISTANT, "e": Tag.END}


def row(tags: str, branch: int) -> TokenRow:
    """A row of ids 0, 1, 2, … with a letter for each token's tag."""
    values = np.array([OF[letter] for letter in tags])
    return TokenRow(np.arange(len(tags)), values, np.isin(values, (Tag.ASSISTANT, Tag.END)), branch)


LONG, ALONE = row("tsstuuutae", 7), row("tuuut", 4)


@pytest.mark.parametrize("too_long", ["error", "drop", "truncate_prompt"])
@pytest.mark.parametrize("max_length", [None, 10, 11])
def test_what_is_not_too_long_stays(too_long, max_length):
    tally = Tally()
    assert cut(LONG, ALONE, max_length, too_long, "f", tally) == (LONG, ALONE)
    assert not tally


def test_an_error_says_how_long_it_is():
    with pytest.raises(
        DataError, match=r"^f: line 3: has 10 tokens, more than max_length 9: raise it, or set too_long to"
    ):
        cut(LONG, ALONE, 9, "error", "f: line 3", Tally())


def test_dropped_ones_are_counted():
    tally = Tally()
    assert cut(LONG, ALONE, 9, "drop", "f", tally) is None
    assert tally == {"dropped": 1}


def test_the_prompt_is_cut_at_its_front():
    tally = Tally()
    kept, alone = cut(LONG, ALONE, 8, "truncate_prompt", "f", tally)
    assert (kept.ids.tolist(), kept.branch) == ([0, 1, 2, 3, 6, 7, 8, 9], 5)
    assert kept.labelled.tolist() == [False] * 6 + [True] * 2
    assert (alone.ids.tolist(), alone.branch) == ([0, 3, 4], 2)
    assert tally == {"cut": 1}


def test_earlier_turns_are_cut_first():
    talk, last = row("tuuutaetuuutae", 12), row("tuuut", 4)
    kept, alone = cut(talk, last, 13, "truncate_prompt", "f", Tally())
    assert kept.ids.tolist() == [0, *range(2, 14)]
    assert alone.ids.tolist() == last.ids.tolist()
    kept, alone = cut(talk, last, 9, "truncate_prompt", "f", Tally())
    assert kept.ids.tolist() == [0, 4, 5, 6, 7, 10, 11, 12, 13]
    assert alone.ids.tolist() == [0, 3, 4]


def test_an_answer_is_never_cut():
    assert cut(LONG, ALONE, 8, "truncate_prompt", "f", Tally()) is not None
    with pytest.raises(DataError) as error:
        cut(LONG, ALONE, 7, "truncate_prompt", "f: line 3", Tally())
    assert str(error.value) == (
        "f: line 3: has 10 tokens, of them 3 of the user's, and an answer is never cut: expected max_length 8 or more"
    )
