"""A recipe as first word, exit statuses, and no traceback unless asked for."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from jepa_core.cli import main as main_module
from jepa_core.cli import recipes
from jepa_core.errors import JepaError, Problem, RecipeError


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
    [
        (["tiny.yaml", "--nope"], "No such option:? '?--nope"),
        (["list", "nope"], "'nope' is not one of"),
        ([], "Usage:"),
    ],
)
def test_a_command_line_that_makes_no_sense(cli, arguments, words):
    done = cli(*arguments)
    assert done.exit_code == 2
    assert re.search(words, done.output)


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["tiny.yaml", "--objective.k=2"], "--objective.k; a value of the recipe is objective.k=2,"),
        (["validate", "tiny.yaml", "--k", "2"], "--k; a value of the recipe is objective.k=2,"),
        (
            ["tiny.yaml", "--learning-rate", "1e-3"],
            "--learning-rate; a value of the recipe is training.learning_rate=1e-3,",
        ),
        (
            ["tiny.yaml", "--model.config.n_layer"],
            "--model.config.n_layer; a value of the recipe is model.config.n_layer=VALUE,",
        ),
        (["--verison"], "--verison.*--version"),
        (["report", "here", "--objective.k=2"], "No such option:? '?--objective.k"),
    ],
)
def test_an_option_that_is_none(cli, arguments, meant):
    done = cli(*arguments)
    assert done.exit_code == 2
    assert re.search(meant, " ".join(done.stderr.split()))


def test_a_recipe_may_be_called_like_a_command(cli):
    Path("list").write_text("sed: 1")
    assert "did you mean 'seed'" in cli("run", "list").stderr


def test_ctrl_c_before_training_is_no_crash(cli, monkeypatch):
    def interrupt(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(recipes, "make_registry", interrupt)
    done = cli("validate", "tiny.yaml")
    assert (done.exit_code, done.stderr) == (130, "stopped\n")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied", "secret/x"), "jepa-run: secret/x: Permission denied\n"),
        (OSError(28, "No space left on device"), "jepa-run: No space left on device\n"),
        (MemoryError(), "jepa-run: not enough memory (--traceback shows for what)\n"),
        (JepaError("a\x1b[2Jb"), "jepa-run: a␛[2Jb\n"),
        (RecipeError([Problem("r.yaml:1", "a", "\x1b]0;x")]), "r.yaml:1: a: ␛]0;x\n1 problem; nothing was run\n"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_the_system_refuses_is_one_line_that_gives_no_orders(cli, monkeypatch, error, said):
    def refuse(*arguments):
        raise error

    monkeypatch.setattr(recipes, "make_registry", refuse)
    done = cli("validate", "tiny.yaml")
    assert done.exit_code in (1, 2)
    assert done.stderr == said
    assert cli("--traceback", "validate", "tiny.yaml").exception is error


@pytest.mark.parametrize(
    "arguments", [["list", "\x1b[2J"], ["--\x1b[2J"], ["show", "--\x1b[2J"], ["study", "a", "--processes", "\x1b[2J"]]
)
def test_a_wrong_command_line_gives_no_orders(cli, arguments):
    """A command line may name anybody's file: typing ``*`` is no choice of names."""
    done = cli(*arguments)
    assert done.exit_code == 2
    assert "\x1b" not in done.stderr


def test_a_fault_shows_where_and_gives_no_orders(monkeypatch, capsys):
    """The fault may be a plugin's, and its words may come from data."""

    def broken(prog_name):
        raise RuntimeError("\x1b[2J")

    for name in ("outlive_readers", "plain_warnings"):
        monkeypatch.setattr(main_module, name, lambda: None)
    monkeypatch.setattr(main_module, "app", broken)
    with pytest.raises(SystemExit, match="1"):
        main_module.main()
    said = capsys.readouterr().err
    assert "in broken" in said
    assert said.endswith("RuntimeError: ␛[2J\n")


def test_a_current_folder_that_was_deleted_is_told(tmp_path, monkeypatch, capsys):
    """PyTorch's libraries end the process there, with words of their own."""
    main_module._refuse_no_folder()
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    with pytest.raises(SystemExit, match="1"):
        main_module._refuse_no_folder()
    assert capsys.readouterr().err == "jepa-run: the current folder is gone: change into one that is there\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_every_command_cleans_up_when_it_is_asked_to_end(cli, monkeypatch, number):
    cleaned = []

    def unheard(*arguments):
        raise AssertionError("nobody listened")

    def wait(*arguments):
        try:
            os.kill(os.getpid(), number)
            time.sleep(10)
        finally:
            cleaned.append(True)

    monkeypatch.setattr(recipes, "make_registry", wait)
    before = signal.signal(number, unheard)
    try:
        done = cli("validate", "tiny.yaml")
    finally:
        signal.signal(number, before)
    assert (done.exit_code, cleaned) == (128 + number, [True])
    assert done.stderr == f"jepa-run: stopped by {number.name}; what was saved before is as it was\n"


@pytest.mark.parametrize(
    ("shell", "status", "said"),
    [
        ("$RUN show cosine_k1 | true; exit ${PIPESTATUS[0]}", 0, ""),
        ("$RUN show cosine_k1 >&-", 0, ""),
        ("$RUN show cosine_k1 >/dev/full", 1, "jepa-run: what was printed is lost: No space left on device\n"),
        ("$RUN tiny.yaml --max-steps 1 >&- 2>/dev/full && test -e runs/tiny/metrics.json", 0, ""),
    ],
)
def test_what_is_printed_may_not_arrive(cli, shell, status, said):
    """Lost output is no reason to fail, unless it was all that the command had to give."""
    command = f"{sys.executable} -m jepa_core.cli.main"
    done = subprocess.run(["bash", "-c", shell.replace("$RUN", command)], capture_output=True, text=True)
    assert done.returncode == status, done.stderr
    assert done.stderr.endswith(said)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["train", "cosine_k1"], "jepa-run cosine_k1"),
        (["trian", "cosine_k1", "objective.k=2"], "jepa-run cosine_k1 objective.k=2"),
        (["ls"], "jepa-run list"),
        (["reprot", "runs/a b"], "jepa-run report 'runs/a b'"),
        (["evaluate", "runs/a"], "jepa-run eval runs/a"),
        (["components"], "jepa-run list components"),
        (["components", "infonce"], "jepa-run show infonce"),
        (["recipe"], "jepa-run list recipes"),
    ],
)
def test_a_command_that_there_is_not(cli, arguments, meant):
    done = cli(*arguments)
    assert done.exit_code == 2
    assert f"there is no command '{arguments[0]}'; did you mean '{meant}'?" in done.stderr


def test_a_file_may_be_called_as_a_command_is_elsewhere(cli):
    Path("train").write_text("sed: 1")
    assert "did you mean 'seed'" in cli("train").stderr


def test_a_word_like_a_recipe_is_meant_as_one(cli):
    assert "no shipped recipe of this name; did you mean 'concept'?" in cli("concpt").stderr
