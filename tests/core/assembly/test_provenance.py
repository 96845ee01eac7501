from __future__ import annotations

import platform
from pathlib import Path

import pytest
import torch

import jepa_core
from jepa_core.assembly.provenance import plugin_code, provenance, versions
from jepa_core.registry import Registry
from jepa_core.registry.registry import named_registry


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_versions_are_those_in_use():
    found = versions()
    assert found["python"] == platform.python_version()
    assert found["torch"] == torch.__version__
    assert found["jepa-core"] == jepa_core.__version__
    assert found["threads"] == str(torch.get_num_threads())


def test_a_run_notes_where_its_recipe_and_data_were(folder):
    (folder / "mine").mkdir()
    (folder / "mine" / "first.yaml").write_text("seed: 1")
    registry = Registry.discover()
    noted = provenance(jepa_core.load_recipe("mine/first.yaml", registry=registry), registry)
    assert noted["recipe"] == "mine/first.yaml"
    assert noted["search"][:2] == [str(folder), str(folder / "mine")]
    assert noted["plugins"].items() >= {"jepa-core": jepa_core.__version__}.items()


FAR = """
import jepa_core

@jepa_core.hookimpl
def jepa_distance_functions():
    return {"far": lambda: lambda predicted, target: (predicted - target).abs().sum(dim=-1)}
"""


def test_the_code_of_the_plugins_that_a_recipe_names_is_noted(folder):
    """An edited file or an editable install has the same version after a change."""

    def noted() -> dict[str, str]:
        registry = named_registry(files=[folder / "far.py"])
        recipe = jepa_core.load_recipe("cosine_k1", overrides=["objective.distance=far"], registry=registry)
        return plugin_code(recipe, registry)

    (folder / "far.py").write_text(FAR)
    before = noted()
    assert set(before) == {"jepa-core", str(folder / "far.py")}
    assert noted() == before
    (folder / "far.py").write_text(FAR + "# changed")
    after = noted()
    assert after["jepa-core"] == before["jepa-core"]
    assert after[str(folder / "far.py")] != before[str(folder / "far.py")]
    registry = named_registry(files=[folder / "far.py"])
    assert set(plugin_code(jepa_core.load_recipe("cosine_k1", registry=registry), registry)) == {"jepa-core"}
