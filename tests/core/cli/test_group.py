"""A recipe as first word, exit statuses, and no traceback unless asked for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jepa_core.cli import recipes


@pytest.mark.parametrize("arguments", [["cosin_k1"], ["run", "cosin_k1"], ["validate", "cosin_k1"]])
def test_a_recipe_that_is_not_there(cli, arguments):
    done = cli(*arguments)
    assert done.exit_code == 2
    assert done.stderr.startswith(
        "cosin_k1: no such file, and no shipped recipe of this name; did you mean 'cosine_k1'?"
    )
    assert done.stdout == ""


@pytest.mark.parametrize("arguments", [["--traceback", "cosin_k1"], ["validate", "cosin_k1", "--traceback"]])
def test_the_traceback_is_shown_when_asked_for_anywhere(tmp_path, arguments):
    command = [sys.executable, "-m", "jepa_core.cli.main", *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "Traceback (most recent call last)" in done.stderr
    assert "jepa_core.errors.RecipeError: cosin_k1: no such file" in done.stderr


def test_a_mistake_of_another_kind_is_one_line(cli):
    done = cli("eval", "nothing")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "jepa-run: nothing: no finished run there\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["tiny.yaml", "--nope"], "No such option: --nope"), (["list", "nope"], "'nope' is not one of"), ([], "Usage:")],
)
def test_a_command_line_that_makes_no_sense(cli, arguments, words):
    done = cli(*arguments)
    assert done.exit_code == 2
    assert words in done.output


def test_a_recipe_may_be_called_like_a_command(cli):
    Path("list").write_text("sed: 1")
    assert "did you mean 'seed'" in cli("run", "list").stderr


def test_ctrl_c_before_training_is_no_crash(cli, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(recipes, "make_registry", interrupt)
    done = cli("validate", "tiny.yaml")
    assert (done.exit_code, done.stderr) == (130, "stopped\n")
