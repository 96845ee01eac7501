from __future__ import annotations

from pathlib import Path

import pytest

import jepa_core
from jepa_core.contexts import find_path
from jepa_core.paths import argument_at_home, as_text, at_home
from jepa_core.registry import Registry
from jepa_core.study.load import load_study

REGISTRY = Registry.discover()


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """The home folder; we are in another one."""
    (tmp_path / "home").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "home"


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("~/x", "HOME/x"),
        ("--out=~/x", "HOME/x"),
        ("output_dir=~/x", "HOME/x"),
        ("data.path=~/a b/~c", "HOME/a b/~c"),
        ("model.pretrained=~", "~"),
        ("x=1~/y", "1~/y"),
        ("a/~/b", "a/~/b"),
        ("~nobody-of-this-name/x", "~nobody-of-this-name/x"),
        ("--out", "--out"),
    ],
)
def test_the_command_line(home, argument, expected):
    before, equals, _ = argument.rpartition("=")
    assert argument_at_home(argument) == f"{before}{equals}{expected.replace('HOME', str(home))}"


def test_everywhere_in_a_recipe(home):
    (home / "r.yaml").write_text(
        "output_dir: ~/runs/x\nmodel: {pretrained: ~/m}\ndata: {name: reversal_curse, path: ~/d}\n"
    )
    recipe = jepa_core.load_recipe("~/r.yaml", registry=REGISTRY)
    assert (recipe.output_dir, recipe.model.pretrained) == (str(home / "runs/x"), str(home / "m"))
    (home / "d").mkdir()
    assert find_path(recipe.data.options["path"], (Path("elsewhere"),)) == home / "d"
    assert jepa_core.load_recipe("cosine_k1", ["model.pretrained=~"], REGISTRY).model.pretrained is None


def test_everywhere_in_a_study(home):
    (home / "r.yaml").write_text("seed: 1\n")
    Path("s.yaml").write_text("output_dir: ~/s\nmetric: test.mrr\nseeds: [1]\narms: {a: {recipe: ~/r.yaml}}\n")
    design = load_study("s.yaml", REGISTRY)
    assert (design.root, design.recipes) == (home / "s", {"a": home / "r.yaml"})


def test_bytes_that_are_no_text_are_spelled():
    assert as_text("r\udcff/é") == "r\\udcff/é"


def test_a_name_that_only_looks_so_stays(home):
    assert at_home("~nobody-of-this-name/x") == "~nobody-of-this-name/x"
    assert at_home("a~b") == "a~b"
