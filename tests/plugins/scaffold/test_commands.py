from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from jepa_core.cli.main import app


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return tmp_path


def new(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["new", *arguments], prog_name="jepa-run")


def test_a_package_is_made_and_what_comes_next_is_said(here):
    done = new("distance", "far_off")
    assert done.exit_code == 0, done.output
    there = {str(path.relative_to(here)) for path in here.rglob("*") if path.is_file()}
    assert set(done.stdout.split("\n\n")[0].splitlines()) == there
    assert "jepa-far-off/tests/test_jepa_far_off.py" in there
    commands = [line.strip().removeprefix("Now:").split("   ")[0].strip() for line in done.stdout.splitlines()[-3:]]
    assert commands == [
        "pip install -e jepa-far-off",
        "python -m pytest jepa-far-off",
        "jepa-run jepa-far-off/far_off.yaml",
    ]


def test_it_goes_where_it_is_told_to():
    done = new("view", "far_off", "--out", "a b/c")
    assert done.exit_code == 0, done.output
    assert Path("a b/c/far_off.yaml").is_file()
    assert "pip install -e 'a b/c'" in done.stdout


def test_a_second_time_is_refused_and_changes_nothing():
    assert new("filter", "far_off").exit_code == 0
    Path("jepa-far-off/jepa_far_off.py").write_text("mine")
    done = new("filter", "far_off")
    assert done.exit_code == 1
    assert done.stderr == "jepa-run: jepa-far-off: exists already, and is left as it is\n"
    assert Path("jepa-far-off/jepa_far_off.py").read_text() == "mine"


def test_a_bad_name_is_one_line_and_nothing_is_made(here):
    done = new("distance", "Far-Off")
    assert done.exit_code == 1
    assert done.stderr.startswith("jepa-run: 'Far-Off' can't be the name of a distance: ")
    assert done.stderr.endswith("did you mean 'far_off'?\n")
    assert list(here.iterdir()) == []


def test_a_misspelt_kind_is_put_right():
    done = new("distnace", "far_off")
    assert done.exit_code == 2
    assert "Did you mean 'distance'?" in done.stderr
