"""Commands that tasks bring, as really installed distributions."""

from __future__ import annotations

import subprocess
import sys

import pytest

from jepa_core.cli.task_commands import GROUP, task_commands

SORT = """
import typer

app = typer.Typer(help="Numbers in order.")

@app.command()
def count(upto: int = 3) -> None:
    \"\"\"Count.\"\"\"
    typer.echo(" ".join(map(str, range(1, upto + 1))))

@app.command()
def fail() -> None:
    \"\"\"Refuse.\"\"\"
    from jepa_core.errors import DataError
    raise DataError("no numbers")
"""
APPS = f"{GROUP}:app"


@pytest.fixture
def installed(site):
    return site.install


def jepa_run(site, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs in a process of its own, which sees what is on the site."""
    code = f"import sys; sys.path.insert(0, {str(site.folder)!r}); from jepa_core.cli.main import main; main()"
    return subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)


def test_the_built_in_task_s_commands_are_there():
    assert "data" in dict(task_commands())


def test_a_task_s_commands_run_under_its_name(site, installed):
    installed("sorting", group=APPS, numbers=SORT)
    done = jepa_run(site, "numbers", "count", "--upto", "4")
    assert (done.returncode, done.stdout, done.stderr) == (0, "1 2 3 4\n", "")
    assert "numbers" in jepa_run(site, "--help").stdout


def test_a_mistake_in_one_is_told_like_any_other(site, installed):
    installed("sorting", group=APPS, numbers=SORT)
    done = jepa_run(site, "numbers", "fail")
    assert (done.returncode, done.stdout, done.stderr) == (1, "", "jepa-run: no numbers\n")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("raise RuntimeError('broken')", "(bad_wrong:app) does not load: RuntimeError: broken\n"),
        ("raise SystemExit('bye')", "(bad_wrong:app) does not load: SystemExit: bye\n"),
        ("other = 1", "(bad_wrong:app) does not load: AttributeError: module 'bad_wrong' has no attribute 'app'\n"),
        ("app = 1", "(bad_wrong:app) is no Typer app, but int\n"),
    ],
)
def test_a_broken_one_is_told_of_and_the_others_go_on(installed, capsys, source, words):
    installed("bad", group=APPS, wrong=source)
    installed("sorting", group=APPS, numbers=SORT)
    found = dict(task_commands())
    assert {"data", "numbers"} <= set(found)
    assert "wrong" not in found
    assert capsys.readouterr().err == f"jepa-run: the command 'wrong' {words}"


def test_a_name_that_is_taken_is_not_taken_over(site, installed):
    """Neither jepa-run's own, nor another task's."""
    installed("sorting", group=APPS, list=SORT, data=SORT)
    done = jepa_run(site, "list", "recipes")
    assert done.returncode == 0
    assert "cosine_k1" in done.stdout
    own, other = done.stderr.splitlines()
    assert own.startswith("jepa-run: the command 'data' (")
    assert own.endswith(") is another's name")
    assert other == "jepa-run: the command 'list' (sorting_list:app) is another's name"
