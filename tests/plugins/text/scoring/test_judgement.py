"""A verdict is what it says, also in a condition."""

from __future__ import annotations

from jepa_plugins.text.scoring.judgement import Judgement, judgement, unjudged


def test_it_is_true_only_where_right():
    assert judgement(True, "why") == Judgement(True)
    assert bool(judgement(True, "why")) is True
    assert bool(judgement(False, "why")) is False
    assert judgement(False, "why").why == "why"


def test_the_data_may_be_at_fault():
    found = unjudged("no number")
    assert (bool(found), found.judged, found.why) == (False, False, "the expected answer: no number")
