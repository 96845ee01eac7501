from __future__ import annotations

from jepa_core.registry.places import COMMAND_LINE, Places, dotted


def test_the_place_of_a_key_is_its_own_or_that_of_what_it_would_stand_in():
    places = Places("r.yaml", {(): 1, ("a",): 3, ("a", "b"): 4})
    assert places.where(("a", "b")) == "r.yaml:4"
    assert places.where(("a", "c", 0)) == "r.yaml:3"
    assert places.where(("z",)) == "r.yaml:1"


def test_the_command_line_comes_after_every_line():
    places = Places("r.yaml", {("a",): COMMAND_LINE})
    assert places.where(("a", "b")) == "command line"
    assert places.line(("a",)) > 10**9


def test_dotted():
    assert dotted(("objective", "filters", 1, "rate")) == "objective.filters.1.rate"
