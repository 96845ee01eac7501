"""``verify``, ``show-mask`` and ``show-batch`` on the command line."""

from __future__ import annotations

import json
from pathlib import Path

from jepa_core.verify.verify import CHECKS

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
    assert lines[-2].startswith("tiny: nothing failed: ")
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
