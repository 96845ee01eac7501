"""Where a recipe names components, and what stands there when it says nothing."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from jepa_core.components import KINDS
from jepa_core.recipe.component_ref import ComponentRef
from jepa_core.registry.places import KeyPath

#: Where a recipe names components: key path -> kind. Some are lists of them.
COMPONENTS: dict[tuple[str, ...], str] = {tuple(kind.key.split(".")): name for name, kind in KINDS.items()}

#: What stands there when the recipe says nothing.
DEFAULTS: dict[KeyPath, Any] = {
    ("data",): "reversal_curse",
    ("model", "config"): {"model_type": "gpt2", "n_layer": 2, "n_embd": 128, "n_head": 4},
    ("objective", "reversal"): "parity",
    ("objective", "mask"): "block_causal",
    ("objective", "embedding"): "last_token",
    ("objective", "predictor"): "identity",
    ("objective", "distance"): "cosine",
    ("objective", "regularizers"): [],
    ("objective", "filters"): ["sample_type", {"name": "loss_dropout", "rate": 0.0}],
    ("evaluation", "also"): [],
}


def component_field(*path: str, description: str) -> Any:
    return Field(default_factory=lambda: ComponentRef.model_validate(DEFAULTS[path]), description=description)
