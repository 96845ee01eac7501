from __future__ import annotations

from jepa_plugins.text.tally import WORDS, Tally


def test_what_there_was_is_told_and_nothing_else():
    tally = Tally({"read": 2000, "cut": 1234, "dropped": 0})
    assert tally.notes("train") == [
        "train: of 2,000 conversations 1,234 cut at the front of what the user says, to max_length"
    ]
    assert len(Tally(dict.fromkeys(["read", *WORDS], 1)).notes("x")) == len(WORDS)
