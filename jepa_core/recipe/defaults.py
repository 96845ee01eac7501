"""The places where a recipe names components, and their defaults."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from jepa_core.components import KINDS
from jepa_core.recipe.component_ref import ComponentRef
from jepa_core.registry.places import KeyPath

#: Key path -> kind of each place where a recipe names components; some hold lists.
COMPONENTS: dict[tuple[str, ...], str] = {tuple(kind.key.split(".")): name for name, kind in KINDS.items()}

#: Key path -> what a recipe that leaves it out means.
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
