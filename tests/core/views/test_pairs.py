"""Views are plain holders: parts of a fact, and new blocks."""

from dataclasses import FrozenInstanceError

import pytest

from jepa_core.samples.samples import Facts, Role
from jepa_core.views.pairs import NewBlock, Part, Views


def test_a_pair_of_views_of_one_fact():
    facts = Facts.from_spans([[[1, 2], [50], [60], [3]]], pad_id=99)
    source, target = Part(facts.roles == Role.HEAD), NewBlock(facts)
    views = Views(((source, target),))
    assert views.pairs == ((source, target),)
    assert source.select.tolist() == [[True, True, False, False, False]]
    assert target.facts is facts


def test_views_do_not_change():
    with pytest.raises(FrozenInstanceError):
        Views(()).pairs = ()
