from __future__ import annotations

from pathlib import Path

import pytest

from jepa_core.components import DEFAULTS, KINDS, DatasetContext, declared, find_path
from jepa_core.errors import DataError
from jepa_core.hookspecs import HOOKS


def test_every_kind_has_a_hook_and_its_defaults():
    assert tuple(HOOKS) == tuple(DEFAULTS) == KINDS


def test_what_a_component_does_not_declare_holds_by_default():
    class Own:
        needs = ("entity_ids",)

    assert declared("distance", Own(), "needs") == ("entity_ids",)
    assert declared("distance", Own(), "decomposable") is True
    assert declared("mask", print, "plain_block_causal") is False


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
