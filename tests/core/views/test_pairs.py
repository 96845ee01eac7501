"""Views are plain holders: parts of a fact, and new blocks."""

from dataclasses import FrozenInstanceError

import pytest

from jepa_core.views.pairs import NewBlock, Part, Views
from jepa_plugins.facts.roles import Role, from_spans


def test_a_pair_of_views_of_one_fact():
    facts = from_spans([[[1, 2], [50], [60], [3]]], pad_id=99)
    source, target = Part(facts.tags == Role.HEAD), NewBlock(facts)
    views = Views(((source, target),))
    assert views.pairs == ((source, target),)
    assert source.select.tolist() == [[True, True, False, False, False]]
    assert target.samples is facts


def test_views_do_not_change():
    with pytest.raises(FrozenInstanceError):
        Views(()).pairs = ()
