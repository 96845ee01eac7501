"""All checks together, and the quick part at the start of a run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

import jepa_core
from jepa_core.errors import JepaError
from jepa_core.signals import Terminated
from jepa_core.verify.checks import isolation
from jepa_core.verify.row import Verdict
from jepa_core.verify.verify import CHEAP, CHECKS, NotAsSaid, recipe_name, summary, verify, verify_start
from tests.core.verify.breaking import TINY, Unusual, lines, registry, tiny
from tests.core.verify.checks.test_isolation import Leaking

SIDES = "{source: last_token, target: {name: last_token, layer: 1}}"


def test_a_right_run_passes_everything():
    found = verify(tiny())
    assert lines(found, Verdict.FAIL) == lines(found, Verdict.WARN) == set()
    assert found.checks == ["reversal", *CHECKS], "the task's own check, then those of every task"
    trained = {f"set '{name}' is apart from the training set" for name in ("train", "atomic")}
    assert {row.name for row in found.rows if row.verdict is Verdict.NA} == {"padding changes nothing", *trained}
    assert all(row.source.count(":") == 1 for row in found.rows)
    assert summary(found).startswith(f"cosine_k1: nothing failed: {len(found.rows) - 3} pass, 3 not applicable; ")


@pytest.mark.parametrize(
    "overrides",
    [
        ["objective.k=0", "objective.distance=l2", "objective.positions=none"],
        ["objective.k=3", "objective.distinct_pred=true", "objective.layout=packed", "model.attn_implementation=eager"],
        ["objective.lambda_jepa=0", "objective.k=0"],
        ["objective.gamma_ntp=0", "objective.distance=mse", "objective.target=stopped"],
        ["objective.filters=[{name: sample_type, keep: [test]}]"],
        ["model.dtype=bfloat16", "training.bf16=true", f"objective.embedding={SIDES}"],
    ],
)
def test_other_right_runs(overrides):
    assert lines(verify(tiny(*overrides)), Verdict.FAIL) == set()


def test_who_ends_it_finds_no_fault_in_it():
    """A signal that comes during a check says nothing of the recipe."""

    class Ended(Unusual):
        def __call__(self, query, key, layer):
            raise Terminated(15)

    with pytest.raises(Terminated):
        verify(tiny(mask=Ended()), ["one forward pass"])


def test_what_breaks_inside_is_a_line_too():
    class Breaks(Unusual):
        calls = 0

        def __call__(self, query, key, layer):
            raise IndexError("no such token")

    found = verify(tiny(mask=Breaks()), ["one forward pass", "supervision"])
    broken = [row for row in found.rows if row.verdict is Verdict.FAIL]
    assert {row.name for row in broken} == {"the check runs to its end"}
    assert broken[0].evidence == "IndexError: no such token"
    assert ":" in broken[0].source
    assert any(row.check == "supervision" and row.verdict is Verdict.PASS for row in found.rows)


def test_numbers_drawn_afterwards_are_the_same():
    context = tiny("model.config.resid_pdrop=0.5")
    state = torch.random.get_rng_state()
    verify(context)
    assert torch.random.get_rng_state().equal(state)


def test_the_start_of_a_run_looks_at_the_cheap_part():
    found = verify_start(tiny().run, registry())
    assert found.checks == ["reversal", *CHEAP]
    with pytest.raises(NotAsSaid, match=r"^cosine_k1 does not train what it says; nothing was run") as caught:
        verify_start(tiny(mask=Leaking()).run, registry())
    assert "\n  one forward pass: change block 0: block 1 stays: " in str(caught.value)
    assert isolation.__name__ not in str(caught.value)


def test_a_run_keeps_it_in_its_folder_and_a_broken_one_never_starts(tmp_path, monkeypatch):
    settings = [*TINY, "training.max_steps=1", "training.logging_steps=1"]
    said: list[str] = []
    folder = tmp_path / "run"
    jepa_core.run(jepa_core.load_recipe("cosine_k1", [*settings, f"output_dir={folder}"]), say=said.append)
    kept = json.loads((folder / "verify.json").read_text())
    assert kept["verdict"] == "pass"
    assert f"verified   {kept['counts']['pass']} pass, 1 not applicable" in said[0]

    monkeypatch.setattr("jepa_plugins.block_causal_mask.BlockCausalMask.plain_block_causal", False)
    monkeypatch.setattr("jepa_plugins.block_causal_mask.BlockCausalMask.__call__", Leaking.__call__)
    other = tmp_path / "other"
    with pytest.raises(NotAsSaid):
        jepa_core.run(jepa_core.load_recipe("cosine_k1", [*settings, f"output_dir={other}"]))
    assert not other.exists()
    with pytest.raises(NotAsSaid):
        jepa_core.run(jepa_core.load_recipe("cosine_k1", [*settings, f"output_dir={folder}"]), overwrite=True)
    assert (folder / "model").is_dir(), "nothing is deleted for a run that does not start"


def test_a_check_of_the_task_that_has_the_name_of_another_is_refused():
    context = tiny()
    context.run.data = replace(context.run.data, checks={"health": lambda context: []})
    with pytest.raises(JepaError, match="brings a check 'health'"):
        verify(context)


def test_its_name_is_that_of_the_recipe_or_of_the_run(tmp_path):
    def name(source: Path | None) -> str:
        recipe = SimpleNamespace(source_path=source, output_dir=str(tmp_path / "mine"))
        return recipe_name(SimpleNamespace(recipe=recipe))

    assert name(Path("recipes/cosine_k1.yaml")) == "cosine_k1"
    assert name(tmp_path / "mine" / "recipe.resolved.yaml") == name(None) == "mine"
