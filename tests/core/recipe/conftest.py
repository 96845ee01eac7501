from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from jepa_core.errors import RecipeError
from jepa_core.recipe.load import load_recipe

from .fakes import FakeRegistry


@pytest.fixture
def registry() -> FakeRegistry:
    return FakeRegistry()


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, registry: FakeRegistry) -> Callable:
    """Loads a recipe's text from ``r.yaml`` in the current folder."""
    monkeypatch.chdir(tmp_path)

    def load(text: str, *overrides: str):
        Path("r.yaml").write_text(text, encoding="utf-8")
        return load_recipe("r.yaml", overrides, registry)

    return load


@pytest.fixture
def mistakes(load: Callable) -> Callable:
    """The lines of what is wrong with a recipe's text; empty when it loads."""

    def mistakes(text: str, *overrides: str) -> list[str]:
        try:
            load(text, *overrides)
        except RecipeError as error:
            return str(error).split("\n")
        return []

    return mistakes
