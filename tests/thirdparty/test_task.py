"""A stranger's task: dataset, views, predictor, regularizer and evaluation in one small package, and no word of ours."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
import yaml

from tests.thirdparty.test_thirdparty import Environment, installed

PACKAGE = Path(__file__).parent / "jepa-sorting"
OUR_TASK = re.compile(r"\b(heads?|relations?|tails?|facts?|atomic|reversal curse)\b", re.I)


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Environment:
    return installed(PACKAGE, tmp_path_factory.mktemp("task"))


@pytest.fixture(scope="module")
def run(environment, tmp_path_factory) -> tuple[Path, str]:
    """The folder in which its recipe was run, and what was on the screen."""
    folder = tmp_path_factory.mktemp("run")
    done = environment.jepa_run(environment.package / "sorting.yaml", "--device", "cpu", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout + done.stderr


def test_its_own_contract_tests_pass(environment):
    tests = environment.warm("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert tests.returncode == 0, tests.stdout + tests.stderr
    assert "skipped" not in tests.stdout


def test_its_figures_and_captions_are_shown(run):
    folder, screen = run
    metrics = json.loads((folder / "runs" / "sorting" / "metrics.json").read_text())
    assert set(metrics) == {"unseen"}
    assert 0 <= metrics["unseen"]["sorted_share"] <= 1
    assert "sorted_share" in screen
    assert "unseen: sequences of numbers that training never sorted" in screen
    logged = [json.loads(line) for line in (folder / "runs" / "sorting" / "metrics.jsonl").read_text().splitlines()]
    assert any("spread_loss" in line for line in logged)


def test_no_word_of_our_task_is_on_the_screen(run, environment):
    folder, screen = run
    for command in ("show-batch", "verify"):
        done = environment.jepa_run(command, environment.package / "sorting.yaml", cwd=folder)
        assert done.returncode == 0, done.stdout + done.stderr
        screen += done.stdout
    report = environment.jepa_run("report", "runs/sorting", cwd=folder)
    assert report.returncode == 0, report.stdout + report.stderr
    screen += report.stdout
    named = {match.group(0) for match in OUR_TASK.finditer(screen.replace(str(sys.prefix), ""))}
    assert named == set()


def test_eval_and_resume_know_it_too(run, environment):
    folder, _ = run
    again = environment.jepa_run("eval", "runs/sorting", "--json", cwd=folder)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout) == json.loads((folder / "runs" / "sorting" / "metrics.json").read_text())
    noted = yaml.safe_load((folder / "runs" / "sorting" / "recipe.resolved.yaml").read_text())["resolved"]
    assert noted["plugins"]["jepa-sorting"] == "0.1.0"
