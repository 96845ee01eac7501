from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import jepa_recipes
from jepa_core.errors import RecipeError
from jepa_core.recipe.sources import descriptions, find_recipe, shipped_recipes


def not_found(source) -> str:
    with pytest.raises(RecipeError) as caught:
        find_recipe(source)
    return str(caught.value)


def test_every_shipped_recipe_is_found_by_name():
    folder = Path(jepa_recipes.__file__).parent
    assert set(shipped_recipes()) == {path.stem for path in folder.iterdir() if path.suffix == ".yaml"}
    assert "cosine_k1" in shipped_recipes()
    assert find_recipe("cosine_k1") == shipped_recipes()["cosine_k1"]


def test_every_shipped_recipe_says_what_it_shows():
    assert set(descriptions()) == set(shipped_recipes())
    assert all(len(text) > 10 for text in descriptions().values())


def test_a_file_comes_before_a_shipped_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("cosine_k1").write_text("seed: 1")
    assert find_recipe("cosine_k1") == Path("cosine_k1")


def test_a_folder_does_not_hide_a_shipped_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("cosine_k1").mkdir()
    assert find_recipe("cosine_k1") == shipped_recipes()["cosine_k1"]
    Path("other").mkdir()
    assert not_found("other") == "other: is a folder, not a recipe"


def test_close_names_are_offered(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("mine").mkdir()
    Path("mine/first.yaml").write_text("seed: 1")
    nothing = "no such file, and no shipped recipe of this name"
    assert not_found("cosin_k1") == f"cosin_k1: {nothing}; did you mean 'cosine_k1'?"
    assert not_found("recipes/cosine_k1.yaml").endswith("did you mean 'cosine_k1'?")
    assert not_found("mine/frist.yaml") == f"mine/frist.yaml: {nothing}; did you mean 'mine/first.yaml'?"
    assert not_found(Path("xyzxyz")) == f"xyzxyz: {nothing}"


@pytest.mark.parametrize("source", ["", "a\0b", "x" * 5000, "~nobody/x", "/"])
def test_odd_names_are_refused_too(source):
    assert not_found(source)


def test_listing_recipes_imports_neither_torch_nor_transformers():
    code = (
        "import sys; from jepa_core.recipe.sources import descriptions; descriptions(); "
        "sys.exit(any(m in sys.modules for m in ('torch', 'transformers', 'pydantic')))"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
