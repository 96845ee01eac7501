from __future__ import annotations

from jepa_plugins.text.tally import WORDS, Tally


def test_what_there_was_is_told_and_nothing_else():
    tally = Tally({"read": 2000, "cut": 1234, "dropped": 0})
    assert tally.notes("train") == [
        "train: of 2,000 conversations 1,234 cut at the front of what the user says, to max_length"
    ]
    assert len(Tally(dict.fromkeys(["read", *WORDS], 1)).notes("x")) == len(WORDS)


def test_one_and_many():
    assert Tally(read=1, merged=1).notes("a")[0].startswith("a: of 1 conversation 1 system message merged")
    assert Tally(read=2, merged=2).notes("a")[0].startswith("a: of 2 conversations 2 system messages merged")
