"""A recipe on seven short pairs that takes a second."""

from __future__ import annotations

import json
from pathlib import Path

import jepa_core
from jepa_core.recipe.schema import Recipe
from jepa_core.registry import Registry

REGISTRY = Registry.discover()
PAIRS = [("ab", "b+"), ("cd e", "d*"), ("ef", "e|f"), ("gh", "g"), ("ij k", "[ij]"), ("l", "l{2}"), ("mno", ".*m")]


def pairs_recipe(folder: Path, *overrides: str) -> Recipe:
    """A recipe of LLM-JEPA, by bytes; ``FOLDER`` in an override stands for `folder`."""
    said = [[{"role": "user", "content": u}, {"role": "assistant", "content": a}] for u, a in PAIRS]
    file = folder / "pairs.jsonl"
    file.write_text("".join(json.dumps({"messages": messages}) + "\n" for messages in said))
    return jepa_core.load_recipe(
        "cosine_k1",
        [
            f"output_dir={folder / 'run'}",
            f"data={{name: messages, train: {file}, evaluation: {{again: {file}}}, template: plain, "
            "tokenizer: {train: bytes}}",
            "model.config={model_type: gpt2, n_layer: 1, n_embd: 32, n_head: 2, n_positions: 32, resid_pdrop: 0.0, "
            "embd_pdrop: 0.0, attn_pdrop: 0.0}",
            "objective={k: 1, reversal: prompt_to_answer, filters: [], lambda_jepa: 0.5}",
            "training={max_steps: 6, per_device_train_batch_size: 4, learning_rate: 1e-2, save_steps: null}",
            *(override.replace("FOLDER", str(folder)) for override in overrides),
        ],
        registry=REGISTRY,
    )
