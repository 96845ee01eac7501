"""Conversations with the kinds of models that people have, from training to what plain transformers says."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

import jepa_core
from jepa_core.verify.context import Context
from jepa_core.verify.row import Verdict
from jepa_core.verify.verify import verify
from tests.plugins.text.pairs_recipe import REGISTRY

SCRIPT = runpy.run_path(str(Path(__file__).parents[3] / "scripts" / "model_families.py"))
KINDS = ["llama", "qwen2", "qwen3", "gemma2", "gemma3_text", "mistral", "phi3", "olmo2", "smollm3", "gpt_neox"]
EAGER = ("gemma2",)


@pytest.mark.parametrize("kind", KINDS)
def test_trained_saved_and_asked(kind, tmp_path):
    """Twenty steps with a JEPA loss, verified; then transformers alone answers as the run does."""
    attention = "eager" if kind in EAGER else "sdpa"
    loaded = SCRIPT["spoken"](kind, tmp_path / "said", REGISTRY, attention, steps=20)
    run = tmp_path / "said" / "run"
    said = SCRIPT["answers"](loaded)
    assert said == SCRIPT["plain_answers"](run, attention)
    assert len(set(said)) > 1, said
    logged = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    losses = [line["ntp_loss"] for line in logged if "ntp_loss" in line]
    assert losses[-1] < losses[0]
    assert all("jepa_loss" in line for line in logged if "ntp_loss" in line)
    rows = verify(Context(jepa_core.build(loaded.recipe, REGISTRY, "cpu"), REGISTRY), ()).rows
    assert {row.verdict for row in rows} <= {Verdict.PASS, Verdict.NA}
    assert sum(row.verdict is Verdict.PASS for row in rows) >= 7
