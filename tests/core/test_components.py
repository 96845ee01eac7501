from __future__ import annotations

from pathlib import Path

import pytest

import jepa_core
from jepa_core import components, hookspecs
from jepa_core.components import KINDS, DistanceTraits, MaskTraits, Traits
from jepa_core.contexts import DatasetContext, find_path
from jepa_core.errors import DataError


def test_every_kind_has_a_hook_a_contract_and_traits():
    """And every hook, contract and class of traits is of a kind."""
    hooks = {name for name in vars(hookspecs) if name.startswith("jepa_")}
    assert {kind.hook for kind in KINDS.values()} == hooks
    assert len(KINDS) == len(hooks)
    of_module = [value for value in vars(components).values() if isinstance(value, type)]
    contracts = {
        each for each in of_module if getattr(each, "_is_protocol", False) and each.__module__ == "jepa_core.components"
    }
    assert {kind.contract for kind in KINDS.values()} == contracts
    assert {kind.traits for kind in KINDS.values()} == set(Traits.__subclasses__())
    assert len({kind.key for kind in KINDS.values()}) == len(KINDS)


def test_what_a_component_does_not_declare_holds_by_default():
    class Own:
        needs = ("entity_ids",)

    assert DistanceTraits.of(Own()).needs == ("entity_ids",)
    assert DistanceTraits.of(Own()).decomposable is True
    assert MaskTraits.of(print).plain_block_causal is False


def test_a_file_is_taken_from_the_first_folder_that_has_it(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.txt").touch()
    (tmp_path / "two" / "one.txt").touch()
    search = (tmp_path / "one", tmp_path / "two")
    assert find_path("one.txt", search) == tmp_path / "one" / "one.txt"
    assert DatasetContext(search=search).find("two.txt") == tmp_path / "two" / "two.txt"
    assert find_path(str(tmp_path / "two" / "one.txt"), search) == tmp_path / "two" / "one.txt"


def test_a_file_that_is_nowhere_is_named_with_every_place_once():
    with pytest.raises(DataError) as caught:
        find_path("no.txt", (Path(), Path("mine"), Path("mine")))
    assert str(caught.value) == "no.txt: not found (looked for no.txt, mine/no.txt)"


def test_all_public_names_are_told_and_there():
    """A notebook shows them behind ``jepa_core.`` and the tabulator."""
    assert {*jepa_core.__all__, "testing"} == set(dir(jepa_core))
    assert all(getattr(jepa_core, name) is not None for name in dir(jepa_core))
    assert hasattr(jepa_core.testing, "DistanceContract")
