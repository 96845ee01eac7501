"""A tiny pretrained model with a tokenizer of bytes, and recipes that adapt it in a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForCausalLM, LlamaConfig

from jepa_core.model.tokenizer import tokenizer_files
from jepa_core.recipe.schema import Recipe
from jepa_plugins.text.tokenizer import base_tokens
from jepa_plugins.text.trained_tokenizer import from_state, train
from tests.plugins.text.pairs_recipe import pairs_recipe

LORA = "lora: {r: 2, alpha: 64, target_modules: [q_proj, v_proj]}"


def pretrained(folder: Path, rows: int = 0, **config: Any) -> tuple[Path, int]:
    """A Llama of two layers, and how many tokens it has; rows: that many more in its tables."""
    tokenizer = from_state(train([], {"train": "bytes"}))
    known = base_tokens(tokenizer)
    folder.mkdir(parents=True)
    for name, content in tokenizer_files(tokenizer).items():
        (folder / name).write_bytes(content)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
    sizes |= {"vocab_size": known + rows, "max_position_embeddings": 64}
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(LlamaConfig(**{**sizes, **config})).save_pretrained(folder)
    return folder, known


def adapting(folder: Path, base: Path, *overrides: str, lora: str = LORA) -> Recipe:
    """Two different predictor tokens, a checkpoint in the middle of six steps."""
    settings = [f"model={{pretrained: {base}, {lora}}}", "data.tokenizer=null", "training.save_steps=3"]
    return pairs_recipe(folder, *settings, "objective.k=2", "objective.distinct_pred=true", *overrides)


def text_of(model: Any, tokenizer: Any, prompt: str) -> list[int]:
    """Eight tokens, each the most probable one."""
    ids = torch.tensor([tokenizer(prompt, add_special_tokens=False)["input_ids"]])
    for _ in range(8):
        ids = torch.cat([ids, model(input_ids=ids).logits[:, -1:].argmax(-1)], dim=1)
    found: list[int] = ids[0].tolist()
    return found
