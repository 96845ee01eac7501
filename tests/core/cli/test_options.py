from __future__ import annotations

import importlib
import sys
from pathlib import Path

from jepa_core.cli.options import by_kind, make_registry, with_flags
from jepa_core.recipe.overrides import _value

from .conftest import FAR


def test_flags_come_after_the_overrides_they_win_over():
    assert with_flags(["seed=1"], seed=2, training__max_steps=3) == ["seed=1", "seed=2", "training.max_steps=3"]
    assert with_flags(None, seed=None, training__max_steps=None) == []
    assert with_flags(None, seed=0) == ["seed=0"]


def test_a_path_is_read_back_as_it_was():
    for path in ("runs/a b", "1e3", "yes", "runs/é😀", 'a"b', "a: b", "#1", "~"):
        (override,) = with_flags(None, output_dir=path)
        assert _value(override.partition("=")[2]) == path


def test_a_module_in_the_current_folder_can_be_a_plugin(cli, monkeypatch):
    """Unlike python -m, an installed script does not look there; and nothing there hides what is installed."""
    Path("distance_of_the_user.py").write_text(FAR)
    Path("colorsys.py").write_text("raise RuntimeError('this is not the one of the standard library')")
    registry = make_registry(["distance_of_the_user"])
    assert registry.find("distance", "far").plugin.name == "distance_of_the_user"
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    assert importlib.import_module("colorsys").rgb_to_hsv(0, 0, 0) == (0, 0, 0)


def test_plugins_are_modules_and_files():
    assert by_kind(["far.py", "my.far", "near", "folder/near.py", "x-y"]) == (
        ["my.far", "near"],
        [Path("far.py"), Path("folder/near.py"), Path("x-y")],
    )
