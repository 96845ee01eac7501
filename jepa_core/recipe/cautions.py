"""Warnings, with the line, about values that a recipe may have but hardly means; it runs all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jepa_core.recipe.schema import Recipe


def cautions(recipe: Recipe, steps: int | None) -> list[str]:
    """The warnings about a recipe. steps: of the whole run, None where not known."""
    return [f"warning: {recipe.error(key, message)}" for key, message in _found(recipe, steps)]


def _found(recipe: Recipe, steps: int | None) -> list[tuple[str, str]]:
    warmup = recipe.training.warmup_steps
    if steps is None or not 0 < steps <= warmup:
        return []
    message = f"{warmup} steps of warm-up in a run of {steps}: the learning rate never reaches its peak"
    return [("training.warmup_steps", message)]
