from __future__ import annotations

import pytest

from jepa_core import ComponentError, Registry
from jepa_plugins.scaffold.commands import WHAT
from jepa_plugins.scaffold.names import KIND_OF, Names, checked_names


@pytest.fixture(scope="module")
def registry() -> Registry:
    return Registry.discover()


def test_all_follow_from_one():
    names = Names("far_off_2")
    assert (names.distribution, names.module, names.class_name) == ("jepa-far-off-2", "jepa_far_off_2", "FarOff2")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("far-off", "far_off"),
        ("FarOff", "far_off"),
        ("Far Off!", "far_off"),
        ("jepa-far", "far"),
        ("far__off", "far_off"),
        ("far_", "far"),
    ],
)
def test_a_name_spelled_otherwise_is_put_right(registry, name, meant):
    with pytest.raises(ComponentError, match=f"did you mean '{meant}'"):
        checked_names(name, "distance", registry)
    assert checked_names(meant, "distance", registry) == Names(meant)


@pytest.mark.parametrize("name", ["2far", "lambda", "x", "", "été", "../far", "a\nb"])
def test_what_is_no_name_is_refused(registry, name):
    with pytest.raises(ComponentError, match="can't be the name of a mask"):
        checked_names(name, "mask", registry)


def test_a_name_that_is_taken_is_refused_with_whose_it_is(registry):
    with pytest.raises(ComponentError, match="a distance is called 'cosine' already, from jepa-core"):
        checked_names("cosine", "distance", registry)
    assert checked_names("cosine", "predictor", registry) == Names("cosine")
    with pytest.raises(ComponentError, match="a view is called 'parity' already"):
        checked_names("parity", "view", registry)


def test_a_module_that_is_there_is_not_hidden(registry):
    with pytest.raises(ComponentError, match="a module is called 'jepa_core' already"):
        checked_names("core", "distance", registry)


def test_each_word_that_can_be_typed_has_its_kind():
    assert list(WHAT) == list(KIND_OF)
