"""``verify``, ``show-mask`` and ``show-batch`` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from jepa_core.verify.verify import CHECKS

from .conftest import contents

LEAKING = """
import jepa_core

class Leaking:
    \"\"\"Sees everything before.\"\"\"

    def __call__(self, query, key, layer):
        return query.block >= key.block

@jepa_core.hookimpl
def jepa_mask_builders():
    return {"leaking": Leaking}
"""


def test_verify_shows_and_writes(cli):
    done = cli("verify", "tiny.yaml")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert lines[0] == "every layer: 25 of 81 cells open"
    titles = [f"{number} {name}" for number, name in enumerate(["reversal", *CHECKS], start=1)]  # the task's own first
    assert [line.rstrip() for line in lines if line.rstrip() in titles] == titles
    assert lines[-1] == "runs/verify/tiny: verify.html, verify.json, mask.png"
    assert lines[-3].startswith("tiny: nothing failed: ")
    assert lines[-2] == "Weights: those that training begins with."
    data = json.loads(Path("runs/verify/tiny/verify.json").read_text())
    assert data["verdict"] == "pass"
    assert cli("tiny.yaml").exit_code == 0, "the run's own folder is still free"


def test_a_leaking_mask_fails_and_never_trains(cli):
    Path("leaking.py").write_text(LEAKING)
    mine = ("--plugin", "leaking.py", "objective.mask=leaking")
    done = cli("verify", "tiny.yaml", *mine, "--out", "here")
    assert done.exit_code == 1
    (red,) = [line for line in done.stdout.splitlines() if line.startswith("fail")]
    assert "change block 0: block 1 stays" in red
    data = json.loads(Path("here/verify.json").read_text())
    (row,) = [row for row in data["rows"] if row["verdict"] == "fail"]
    assert row["figure"] > 0
    assert row["source"].startswith("leaking.py:")
    trained = cli("tiny.yaml", *mine)
    assert trained.exit_code == 1
    assert "tiny does not train what it says; nothing was run" in trained.stderr
    assert not Path("runs").exists()


def test_a_place_that_takes_nothing_is_told_before_the_checks(cli, monkeypatch):
    monkeypatch.setattr("jepa_core.verify.verify.verify", None)
    done = cli("verify", "tiny.yaml", "--out", "tiny.yaml")
    assert done.exit_code == 1
    assert done.stderr == f"jepa-run: tiny.yaml: can't be written: {Path('tiny.yaml')} is no folder\n"


def test_show_mask(cli):
    done = cli("show-mask", "tiny.yaml", "objective.k=0")
    assert done.exit_code == 0, done.output
    rows = [line.split() for line in done.stdout.splitlines()]
    assert "".join(rows[2][3:]) == "■" + "·" * 7
    assert "".join(rows[9][3:]) == "·" * 4 + "■" * 4


def test_show_batch(cli):
    done = cli("show-batch", "tiny.yaml", "--samples", "2")
    assert done.exit_code == 0, done.output
    titles = [line for line in done.stdout.splitlines() if line.startswith("sample")]
    assert titles == ["sample 0, train: pays NTP (1 label) and JEPA (1 pair)", "sample 20, atomic: pays NTP (1 label)"]
    assert done.stdout.count("<PRED>") == 2


def test_mistakes_are_told_first(cli):
    for command in ("verify", "show-mask", "show-batch"):
        done = cli(command, "tiny.yaml", "objective.k=two")
        assert (done.exit_code, done.stdout) == (2, "")


def test_what_holds_is_one_line_and_all_opens_it(cli):
    short, long = (cli("verify", "tiny.yaml", *flags).stdout for flags in ((), ("--all",)))
    held = "every token goes through the transformer once, and sees what the mask says and nothing else"
    (line,) = [line for line in short.splitlines() if held in line]
    assert line.startswith("pass")
    assert "planner.py:" not in short
    assert "samples whose JEPA loss is paid wrongly" in long
    assert "planner.py:" in long


def test_a_run_is_verified_with_its_trained_weights(cli, finished, monkeypatch):
    from jepa_core.verify import verify as module

    seen = []
    monkeypatch.setattr(
        module, "CHECKS", dict.fromkeys(CHECKS, ()) | {"health": (lambda context: seen.append(context) or [],)}
    )
    before = contents(finished)
    done = cli("verify", finished, "--out", "here")
    assert done.exit_code == 0
    assert f"Weights: trained, {finished / 'model'}." in done.output
    trained = load_file(finished / "model" / "model.safetensors")
    weights = dict(seen[0].objective.model.named_parameters())
    assert weights.keys() == trained.keys()
    assert all(torch.equal(weights[name], trained[name]) for name in weights)
    assert contents(finished) == before
