"""``jepa-run study``: real, tiny runs, in this process and in several."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.core.cli.conftest import jepa_run
from tests.core.study.specimen import STUDY, write_study

#: A distance that takes as long as the environment says, so that there is a middle to interrupt.
SLOW = """
import os
import time
from jepa_core import hookimpl

class Slow:
    def __init__(self, broken: bool = False):
        self.broken = broken

    def __call__(self, predicted, target):
        if self.broken:
            raise ValueError("broken on purpose")
        time.sleep(float(os.environ.get("SECONDS_A_STEP", "0")))
        return (predicted - target).square().sum(dim=-1)

@hookimpl
def jepa_distance_functions():
    return {"slow": Slow}
"""
TEXT = STUDY.replace("label: with JEPA", "label: with JEPA, overrides: [objective.distance=slow]")
COMMAND = ("study", "study.yaml", "--plugin", "slow.py", "--device", "cpu")
STARTED = re.compile(r"^── (\S+)$", re.M)
CELLS = [
    *(f"tune/ntp/training.learning_rate={rate}/seed-0" for rate in (0.001, 0.01)),
    *(f"report/{arm}/seed-{seed}" for arm in ("ntp/training.learning_rate=0.01", "jepa/base") for seed in (1, 2)),
]


def write_files(folder: Path, text: str = TEXT) -> None:
    os.chdir(folder)
    write_study(text)
    Path("slow.py").write_text(SLOW)


def figures(folder: Path) -> dict[str, str]:
    """The figures that each run measured, and the points that were chosen."""
    files = [*folder.glob("out/cells/**/metrics.json"), *folder.glob("out/tuning/*.json")]
    return {str(path.relative_to(folder)): path.read_text() for path in files}


def summary(folder: Path) -> dict:
    """``study.json`` without what time it took."""
    text = (folder / "out" / "study.json").read_text()
    return json.loads(re.sub(r'"seconds": [\d.]+', '"seconds": 0', text))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> tuple[Path, str]:
    """The folder of the study, run by one worker without a pause, and what was said."""
    folder, before = tmp_path_factory.mktemp("undisturbed"), Path.cwd()
    try:
        write_files(folder)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("COLUMNS", "200")  # as for every test
            done = jepa_run(*COMMAND)
    finally:
        os.chdir(before)
    assert done.exit_code == 0, done.output
    return folder, done.stdout


def test_a_study_from_its_file_to_its_table(undisturbed):
    folder, said = undisturbed
    started = STARTED.findall(said)
    best = json.loads((folder / "out/tuning/ntp.json").read_text())["best"]["training.learning_rate"]
    assert started == [
        cell.replace("0.01/seed-1", f"{best}/seed-1").replace("0.01/seed-2", f"{best}/seed-2") for cell in CELLS
    ]
    data = summary(folder)
    ntp, jepa = (data["arms"][name] for name in ("ntp", "jepa"))
    assert data["matched"] == {"steps": 6, "flops": 6 * ntp["flops_per_step"]}
    assert jepa["flops_per_step"] > 1.5 * ntp["flops_per_step"]
    for seed, cell in zip((1, 2), jepa["cells"], strict=True):
        run = folder / "out/cells/report/jepa/base" / f"seed-{seed}"
        assert cell["values"]["end"]["test.mrr"] == json.loads((run / "metrics.json").read_text())["test"]["mrr"]
        log = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        early = next(line["eval_test_mrr"] for line in log if line["step"] == 2 and "eval_test_mrr" in line)
        assert cell["values"]["flops"]["test.mrr"] == early
    assert (
        f"| with JEPA | 2 | {jepa['summary']['end']['test.mrr']['mean']:.4f} ±" in (folder / "out/table.md").read_text()
    )
    assert said.rstrip().endswith("out: study.html, study.json, table.md, curves.png, curves.svg")
    assert re.search(r"^ *with JEPA +2 +0\.\d{4} ± 0\.\d{4} ", said, re.M)


def test_a_finished_study_is_shown_not_run(undisturbed, monkeypatch):
    folder, said = undisturbed
    monkeypatch.chdir(folder)
    before = figures(folder)
    done = jepa_run(*COMMAND)
    assert done.exit_code == 0
    assert done.stdout == said[said.index("At the end of training") :]
    assert figures(folder) == before


@pytest.mark.slow  # starts four processes
def test_killed_and_shared_by_two_it_comes_to_the_same(undisturbed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_files(tmp_path)
    threads = torch.get_num_threads()
    command = [sys.executable, "-m", "jepa_core.cli.main", *COMMAND]
    environment = {**os.environ, "OMP_NUM_THREADS": str(2 * threads), "SECONDS_A_STEP": "0.5"}
    process = subprocess.Popen([*command, "--processes", "2"], env=environment, stderr=subprocess.PIPE, text=True)
    logs = [tmp_path / "out/cells/report/jepa/base" / f"seed-{seed}" / "metrics.jsonl" for seed in (1, 2)]
    give_up = time.monotonic() + 180
    while not any(log.exists() and '"step": 2' in log.read_text() for log in logs) and time.monotonic() < give_up:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=120)[1]
    assert process.returncode == 130, said
    assert "stopped by SIGINT; the same command goes on from there" in said
    assert "Traceback" not in said
    assert list(tmp_path.glob("out/cells/report/jepa/base/seed-*/checkpoints/checkpoint-*"))
    before = figures(tmp_path)
    assert len([path for path in before if "cells" in path]) < len(CELLS)

    environment |= {"OMP_NUM_THREADS": str(threads), "SECONDS_A_STEP": "0.1"}
    other = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    monkeypatch.setenv("SECONDS_A_STEP", "0.5")  # so that the other one has time to start
    done = jepa_run(*COMMAND)
    theirs = other.communicate(timeout=180)[0]
    assert (done.exit_code, other.returncode) == (0, 0), done.output
    run = [*STARTED.findall(done.stdout), *STARTED.findall(theirs)]
    assert len(run) == len(set(run)), "no run is done twice"
    assert {f"out/cells/{name}/metrics.json" for name in run} == {*figures(tmp_path)} - {*before} - {
        "out/tuning/ntp.json"
    }
    folder = undisturbed[0]
    assert figures(tmp_path) == figures(folder)
    assert summary(tmp_path) == summary(folder)


def test_a_run_that_fails_is_in_the_table_and_the_others_are_finished(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    start, arms = STUDY.split("tune:")[0], "arms:\n  good: {recipe: recipes/tiny.yaml}\n"
    broken = "  bad: {recipe: recipes/tiny.yaml, overrides: ['objective.distance={name: slow, broken: true}']}\n"
    write_files(tmp_path, start.replace("[1, 2]", "[1]") + arms.replace("  good", broken + "  good"))
    done = jepa_run(*COMMAND)
    assert done.exit_code == 1, done.output
    rows = [line.split() for line in done.stdout.splitlines()]
    assert ["bad", "0", "of", "1,", "1", "failed", "–", "–"] in rows
    assert any(row[:2] == ["good", "1"] for row in rows)
    (told,) = [line for line in done.stdout.splitlines() if line.startswith("failed: report/bad/base/seed-1: ")]
    assert "broken on purpose" in told
    again = jepa_run(*COMMAND)
    assert again.exit_code == 1
    assert not STARTED.findall(again.stdout)
    assert STARTED.findall(jepa_run(*COMMAND, "--retry-failed").stdout) == ["report/bad/base/seed-1"]


def test_runs_of_another_recipe_are_left_alone_and_a_table_runs_nothing(undisturbed, tmp_path, monkeypatch):
    folder = Path(shutil.copytree(undisturbed[0], tmp_path / "copy"))
    monkeypatch.chdir(folder)
    Path("longer.yaml").write_text(TEXT.replace("arms:", "report: {overrides: [training.max_steps=7]}\narms:"))
    before = figures(folder)
    done = jepa_run("study", "longer.yaml", *COMMAND[2:])
    assert done.exit_code == 1
    assert "left alone: out/cells/report/ntp/" in done.stdout
    assert "was run with another recipe (differs in training.max_steps)" in done.stdout
    assert not STARTED.findall(done.stdout)
    Path("new.yaml").write_text(TEXT.replace("output_dir: out", "output_dir: new"))
    done = jepa_run("study", "new.yaml", *COMMAND[2:], "--table")
    assert done.exit_code == 0
    assert not STARTED.findall(done.stdout)
    assert not Path("new/cells").exists()
    assert figures(folder) == before


def test_mistakes_are_said_before_anything_runs(cli):
    write_study(STUDY.replace("recipes/tiny.yaml", "tin.yaml").replace("metric:", "metrik:"))
    done = cli("study", "study.yaml")
    assert done.exit_code == 2
    assert "study.yaml:3: metrik: unknown key; did you mean 'metric'?" in done.stderr
    assert "study.yaml:9: arms.ntp.recipe: 'tin.yaml': no such file" in done.stderr
    assert not Path("out").exists()
    assert cli("study", "study.yaml", "--device", "gpu").exit_code == 2
