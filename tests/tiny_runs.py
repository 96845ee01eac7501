"""Recipes of runs that take a second, and what is compared of them."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import jepa_core
from jepa_core.checkpoint.choosing import in_order
from jepa_core.launch.run import Result
from jepa_core.recipe.schema import Recipe
from jepa_core.registry import Registry

REGISTRY = Registry.discover()
#: 30 training facts, four steps an epoch, the last of two facts; both kinds of dropout.
TINY = [
    "data.entities_both_ways=20",
    "data.entities_one_way=10",
    "data.relation_pairs=1",
    "data.name_multiplicity=null",
    "model.config.n_embd=16",
    "model.config.n_layer=1",
    "model.config.resid_pdrop=0.1",
    "objective.filters.1.rate=0.5",
    "training.per_device_train_batch_size=8",
    "training.logging_steps=1",
    "training.warmup_steps=0",
    "training.save_steps=2",
    "training.save_total_limit=null",
    "training.max_steps=8",
]


def tiny(folder: Path, *overrides: str) -> Recipe:
    return jepa_core.load_recipe("cosine_k1", overrides=[*TINY, f"output_dir={folder}", *overrides], registry=REGISTRY)


def run_tiny(
    folder: Path, *overrides: str, say: Callable[[str], None] = lambda message: None, **options: Any
) -> Result:
    return jepa_core.run(tiny(folder, *overrides), registry=REGISTRY, device="cpu", say=say, **options)


def digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def outcome(folder: Path) -> dict[str, str]:
    """Everything that two runs of one recipe have to agree in, bit by bit."""
    last = in_order(folder / "checkpoints")[-1]
    names = ("model.safetensors", "optimizer.safetensors", "random_0.safetensors")
    files = {f"{last.name}/{name}": digest(last / name) for name in names}
    return files | {name: digest(folder / name) for name in ("model/model.safetensors", "metrics.json")}


def checkpoint_names(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "checkpoints").iterdir())
