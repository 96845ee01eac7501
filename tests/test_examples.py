"""The examples in docstrings are what comes out."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).parents[1]
#: Import name -> folder.
PACKAGES = {"jepa_core": "jepa_core", "jepa_plugins": "plugins"}


def modules() -> list[str]:
    """Every module with an example."""
    found = []
    for package, folder in PACKAGES.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            if ">>> " in path.read_text(encoding="utf-8"):
                parts = path.relative_to(ROOT / folder).with_suffix("").parts
                found.append(".".join((package, *parts)).removesuffix(".__init__"))
    return found


def test_there_are_some_of_every_kind():
    assert {
        "jepa_core.samples.samples",
        "jepa_core.views.pairs",
        "jepa_core.views.visibility",
        "jepa_core.recipe.overrides",
        "jepa_plugins.cosine_distance",
        "jepa_plugins.facts.parity_reversal",
        "jepa_plugins.facts.reverse",
    } <= set(modules())


@pytest.mark.parametrize("name", modules())
def test_examples(name):
    result = doctest.testmod(import_module(name), extraglobs={"torch": torch})
    assert result.attempted
    assert not result.failed
