"""Finding the installed components, and making them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jepa_core.registry.registry import Component, Registry

__all__ = ["Component", "Registry"]


def __getattr__(name: str) -> Any:
    """Imports the registry on first use, so that importing `places` alone does not wait for pydantic."""
    if name in __all__:
        return getattr(import_module("jepa_core.registry.registry"), name)
    raise AttributeError(f"module 'jepa_core.registry' has no attribute '{name}'")
