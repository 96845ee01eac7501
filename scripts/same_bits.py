"""Trains every shipped recipe for a few steps and prints a hash of its weights.

    OMP_NUM_THREADS=1 python scripts/same_bits.py > before.txt      # at one commit
    OMP_NUM_THREADS=1 python scripts/same_bits.py | diff before.txt -  # at another: silence means the same bits

A change that should not move a figure moves no bit here. The recipes for a GPU run at a smaller size; those that need
data of your own are left out.
"""

from __future__ import annotations

import hashlib
import sys
import tempfile
from pathlib import Path

from safetensors.torch import load_file

import jepa_core
from jepa_core.registry import Registry

RECIPES = Path(__file__).parents[1] / "recipes"
STEPS = 50
#: Sizes for recipes that are meant for a GPU.
SMALLER = {
    "paper_scale": ["data.entities_both_ways=500", "data.entities_one_way=300", "model.config.n_embd=96"],
    "relational_scale": [
        "data.entities_both_ways=500",
        "data.entities_one_way=300",
        "model.config.n_embd=64",
        "training.per_device_train_batch_size=512",
    ],
    "rehearsal_scale": [
        "data.entities_both_ways=500",
        "data.entities_one_way=300",
        "model.config.n_embd=64",
        "training.per_device_train_batch_size=512",
        "rehearsal.training.max_steps=10",
    ],
}
OF_OWN_DATA = {"llm_jepa_finetune", "pretrain"}


def weights_hash(folder: Path) -> str:
    """The hash of every tensor of a saved run, by name."""
    found = hashlib.sha256()
    for file in sorted(folder.glob("*.safetensors")):
        for name, tensor in sorted(load_file(file).items()):
            found.update(tensor.contiguous().numpy().tobytes())
            found.update(str(tuple(tensor.shape)).encode() if file.name != "model.safetensors" else name.encode())
    return found.hexdigest()[:16]


def main(names: list[str]) -> None:
    registry = Registry.discover()
    for path in sorted(RECIPES.glob("*.yaml")):
        if path.stem in OF_OWN_DATA or (names and path.stem not in names):
            continue
        with tempfile.TemporaryDirectory() as folder:
            overrides = [
                f"output_dir={folder}/run",
                f"training.max_steps={STEPS}",
                "training.warmup_steps=5",
                "training.save_steps=null",
                "training.eval_steps=null",
                *SMALLER.get(path.stem, []),
            ]
            recipe = jepa_core.load_recipe(path, overrides=overrides, registry=registry)
            jepa_core.run(recipe, registry=registry, device="cpu")
            print(path.stem, weights_hash(Path(folder, "run", "model")), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
