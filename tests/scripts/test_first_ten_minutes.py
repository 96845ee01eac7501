"""README's first commands for a newcomer, typed in its order: with a stand-in for everything quickly, and really."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.first_ten_minutes import main, steps

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
STAND_IN = '#!/bin/sh\necho "$(basename "$0")" "$@" >> typed.txt\necho said\n[ "$1" != "${FAILS:-nothing}" ]\n'


@pytest.fixture
def clone(tmp_path) -> Path:
    """README, and programs that only note how they were called."""
    (tmp_path / "README.md").write_text(README)
    programs = tmp_path / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name in ("jepa-run", "python"):
        programs.joinpath(name).write_text(STAND_IN)
        programs.joinpath(name).chmod(0o755)
    return tmp_path


def typed(clone: Path) -> list[str]:
    return (clone / "typed.txt").read_text().splitlines()


def test_the_steps_are_those_of_a_newcomer():
    names = ["install", "run", "look", "ask", "change", "compare", "test an own distance", "train with it"]
    assert [step.name for step in steps(README, installed=False)] == names
    assert [step.name for step in steps(README, installed=True)] == names[1:]


def test_each_is_typed_and_timed(clone, capsys):
    main([str(clone), "--change", "training.max_steps=2"])
    first, *_ = done = typed(clone)
    assert first == "jepa-run recipes/cosine_k1.yaml training.max_steps=2"
    assert "jepa-run ask runs/cosine_k1 <f_110> <l_7> <r_0> <f_111> <l_76> <r_0_inv>" in done
    assert done[-2:] == [
        "python -m pytest test_huber.py",
        "jepa-run cosine_k1 --plugin huber.py objective.distance={name: huber, delta: 0.5} output_dir=runs/huber"
        " training.max_steps=2",
    ]
    assert (clone / "test_huber.py").read_text() in README
    said = capsys.readouterr().out
    assert len(re.findall(r"^\[\d\d:\d\d:\d\d\] \$ ", said, re.M)) == len(done)
    assert re.search(r"^\| \d:\d\d \| in all \| \| \d+ \|$", said, re.M)


def test_it_ends_at_a_step_that_fails(clone, monkeypatch):
    monkeypatch.setenv("FAILS", "ask")
    with pytest.raises(SystemExit, match="exit status 1: jepa-run ask runs/cosine_k1"):
        main([str(clone)])
    assert typed(clone)[-1].startswith("jepa-run ask")


def test_a_command_that_readme_lost_is_told():
    with pytest.raises(SystemExit, match=r"0 times, expected once: .*ask"):
        steps(README.replace("jepa-run ask runs/cosine_k1", "jepa-run ask runs/other"), installed=True)


def test_the_page_has_the_commands_of_readme():
    (_, times, _) = re.split(
        r"<!-- (?:times|end) -->", (ROOT / "docs" / "FIRST_TEN_MINUTES.md").read_text(encoding="utf-8")
    )
    assert [line for step in steps(README, installed=True) for line in step.typed if f"`{line}`" not in times] == []


def test_a_table_is_put_into_its_page(clone, tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# A\n\n<!-- times -->\nold\n<!-- end -->\n\nB\n")
    main([str(clone), "--table", str(page)])
    text = page.read_text()
    assert "old" not in text
    assert text.count("| run | `.venv/bin/jepa-run recipes/cosine_k1.yaml` |") == 1
    assert text.startswith("# A\n")
    assert text.endswith("<!-- end -->\n\nB\n")


@pytest.mark.slow
def test_all_of_it_in_a_bare_clone(tmp_path):
    subprocess.run(["git", "clone", "-q", ROOT, tmp_path / "clone"], check=True)
    tmp_path.joinpath("clone", ".venv").symlink_to(sys.prefix)
    script = ROOT / "scripts" / "first_ten_minutes.py"
    changes = ["--change", "training.max_steps=2", "--change", "training.warmup_steps=0"]
    done = subprocess.run(
        [sys.executable, script, tmp_path / "clone", *changes], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(re.findall(r"^[a-z ]+: \d+ s; since the start ", done.stdout, re.M)) == 7
    assert all(
        (tmp_path / "clone" / "runs" / name / "metrics.json").stat().st_size for name in ("cosine_k1", "k2", "huber")
    )
