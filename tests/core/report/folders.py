"""Folders of runs, written without training anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jepa_core.assembly.assemble import assemble, load_data
from jepa_core.checkpoint.weights import save_weights
from jepa_core.folder.files import write_json, write_text
from jepa_core.folder.run_folder import RunFolder
from jepa_core.recipe.load import load_recipe
from jepa_core.recipe.resolve import dump_yaml, resolved
from jepa_core.registry import Registry
from jepa_core.report.record import Record, read_records

TINY = [
    "description=Tiny.",
    "data.entities_both_ways=20",
    "data.entities_one_way=10",
    "data.relation_pairs=1",
    "data.name_multiplicity=5",
    "model.config.n_embd=16",
    "training.max_steps=4",
]
MADE_WITH = {
    "versions": {"python": "3.11.0", "torch": "2.13.0"},
    "plugins": {"jepa-core": "0.1.0"},
    "git_revision": None,
    "sets": ["train", "atomic", "test"],
    "captions": {"test": "what was never read"},
}


def health(step: int, seconds: float, **figures: float) -> dict[str, Any]:
    names = ("ntp_gradient_norm", "jepa_gradient_norm", "gradient_cosine", "predicted_rank", "target_rank")
    names += ("predicted_cosine", "target_cosine")
    return {"step": step, "seconds": seconds, **{f"health_{name}": 1.0 + step for name in names}, **figures}


#: Four steps, each logged, evaluated after two and four.
LOG: list[dict[str, Any]] = [
    health(0, 0.1),
    {"step": 1, "seconds": 1, "loss": 6.0, "ntp_loss": 5.0, "jepa_loss": 1.0, "learning_rate": 0.2, "grad_norm": 3.0},
    {"step": 2, "seconds": 2, "loss": 4.5, "ntp_loss": 4.0, "jepa_loss": 0.5, "learning_rate": 0.1, "grad_norm": 2.0}
    | {"tokens_per_second": 100.0, "jepa_pairs": 8.0},
    {"step": 2, "seconds": 2.5, "eval_train_mrr": 0.2, "eval_test_mrr": 0.1, "eval_train_ntp_loss": 4.0},
    health(2, 2.6),
    {"step": 4, "seconds": 5, "loss": 3.5, "ntp_loss": 3.25, "jepa_loss": 0.25, "tokens_per_second": 300.0},
    health(4, 5.1),
]
METRICS = {
    "train": {"ntp_loss": 3.0, "jepa_loss": 0.25, "mrr": 0.5, "num_samples": 20},
    "atomic": {"ntp_loss": 3.5, "jepa_loss": None, "mrr": 0.25, "num_samples": 5},
    "test": {"ntp_loss": 6.0, "jepa_loss": None, "mrr": 0.125, "num_samples": 5},
}


def make_run(
    path: Path,
    *overrides: str,
    recipe: str = "cosine_k1",
    log: list[dict[str, Any]] | None = None,
    metrics: dict[str, Any] | None = METRICS,
    weights: str | None = "model",
) -> Path:
    """The folder of a tiny run at `path`.

    metrics: None for a run that is not finished; weights: the folder below `path` for those of an untrained
    model, None for no weights.
    """
    folder, registry = RunFolder(path), Registry.discover()
    loaded = load_recipe(recipe, [*TINY, f"output_dir={path}", *overrides], registry=registry)
    data = load_data(loaded, registry)
    write_text(folder.recipe, dump_yaml({**resolved(loaded, registry), "resolved": MADE_WITH}))
    write_text(folder.vocabulary, json.dumps(data.vocabulary.to_json()))
    write_text(folder.log, "".join(json.dumps(line) + "\n" for line in (LOG if log is None else log)))
    if weights:
        save_weights(assemble(loaded, data, registry), path / weights)
    if metrics is not None:
        write_json(folder.metrics, metrics)
    return path


def record(path: Path, *overrides: str, **options: Any) -> Record:
    return read_records([make_run(path, *overrides, **options)])[0]
