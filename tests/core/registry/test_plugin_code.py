"""The hash of a plugin's code: changed when a file of it is, and by nothing else."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

import pytest

from jepa_core.registry import plugin_code
from jepa_core.registry.plugin_code import code_hash


@pytest.fixture
def package(tmp_path, monkeypatch) -> Path:
    """``far_away``, whose plugin module takes its distances from another one."""
    folder = tmp_path / "far_away"
    (folder / "deep").mkdir(parents=True)
    for name in ("__init__.py", "plugin.py", "deep/__init__.py", "deep/distances.py"):
        (folder / name).write_text(f"NAME = {name!r}\n")
    (tmp_path / "alone.py").write_text("a = 1\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] in ("far_away", "alone")]:
        del sys.modules[name]


def test_every_file_of_the_package_counts(package):
    module = import_module("far_away.plugin")
    before = code_hash(module)
    assert before == code_hash(import_module("far_away.deep.distances")) == code_hash(sys.modules["far_away"])
    (package / "notes.txt").write_text("no code")
    assert code_hash(module) == before
    (package / "deep" / "distances.py").write_text("NAME = 'another'\n")
    assert code_hash(module) != before


def test_moving_code_from_file_to_file_is_a_change(package):
    module = import_module("far_away")
    before = code_hash(module)
    (package / "plugin.py").rename(package / "other.py")
    assert code_hash(module) != before


def test_a_module_of_its_own_is_its_file(package):
    module = import_module("alone")
    before = code_hash(module)
    (package.parent / "beside.py").write_text("")
    assert code_hash(module) == before
    (package.parent / "alone.py").write_text("a = 2\n")
    assert code_hash(module) != before


def test_several_modules_count_in_any_order_and_a_package_once(package):
    alone, inside, beside = map(import_module, ("alone", "far_away.plugin", "far_away.deep.distances"))
    assert code_hash(inside, beside) == code_hash(inside)
    assert code_hash(alone, inside) == code_hash(inside, alone)
    assert len({code_hash(alone, inside), code_hash(alone), code_hash(inside)}) == 3


def test_a_huge_package_costs_no_more_than_a_large_one(package, monkeypatch):
    monkeypatch.setattr(plugin_code, "MAX_FILES", 2)
    before = code_hash(import_module("far_away"))
    (package / "plugin.py").write_text("")
    assert code_hash(sys.modules["far_away"]) == before
