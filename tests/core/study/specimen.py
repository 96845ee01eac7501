"""A tiny study, and runs of it that are made up instead of trained."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jepa_core.folder.files import write_json, write_text
from jepa_core.folder.run_folder import RunFolder
from jepa_core.recipe.resolve import dump_yaml, resolved
from jepa_core.recipe.schema import Recipe
from jepa_core.registry import Registry
from jepa_core.study.design import Design
from jepa_core.study.load import load_study

RECIPE = """\
description: Tiny.
data:
  name: reversal_curse
  entities_both_ways: 20
  entities_one_way: 10
  relation_pairs: 1
  name_multiplicity: null
model:
  config: {model_type: gpt2, n_layer: 1, n_embd: 16, n_head: 2, n_positions: 16}
training:
  max_steps: 6
  per_device_train_batch_size: 8
  logging_steps: 1
  save_steps: 2
  eval_steps: 2
"""
STUDY = """\
description: A tiny study.
output_dir: out
metric: test.mrr
metrics: [test.joint_accuracy]
seeds: [1, 2]
tune: {seeds: [0]}
arms:
  ntp:
    recipe: recipes/tiny.yaml
    overrides: [objective.lambda_jepa=0, objective.k=0]
    grid: {training.learning_rate: [1e-3, 1e-2]}
  jepa: {recipe: recipes/tiny.yaml, label: with JEPA}
"""
ABLATION = "  lame: {recipe: recipes/tiny.yaml, overrides: [training.weight_decay=1], without: ntp, seeds: [3]}\n"


def write_study(text: str = STUDY, recipe: str = RECIPE) -> Path:
    """``study.yaml`` and ``recipes/tiny.yaml`` in the current folder."""
    Path("recipes").mkdir(exist_ok=True)
    Path("recipes/tiny.yaml").write_text(recipe)
    Path("study.yaml").write_text(text)
    return Path("study.yaml")


def tiny(registry: Registry, text: str = STUDY) -> Design:
    return load_study(write_study(text), registry)


def pretend(recipe: Recipe, mrr: float | None = None, **_: Any) -> None:
    """Writes what a finished run of six steps leaves; its test mrr is the learning rate plus the seed, by default."""
    folder, registry = RunFolder(Path(recipe.output_dir)), Registry.discover()
    final = recipe.training.learning_rate + recipe.seed if mrr is None else mrr
    write_text(folder.recipe, dump_yaml(resolved(recipe, registry)))
    lines = [{"step": step, "seconds": step / 2, "eval_test_mrr": final * step / 6} for step in (2, 4, 6)]
    write_text(folder.log, "".join(json.dumps(line) + "\n" for line in lines))
    write_json(folder.metrics, {"test": {"mrr": final, "joint_accuracy": 0.5, "jepa_loss": None}})
