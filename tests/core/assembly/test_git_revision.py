"""The revision of a checkout that somebody sent: read, and nothing that its settings name is run."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from jepa_core.assembly.git_revision import git_revision


def git(*arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    own = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *who, *arguments], capture_output=True, text=True, check=True, env=os.environ | own)
    return done.stdout.strip()


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder that is no checkout, and has none around it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


@pytest.fixture
def revision(folder) -> str:
    """The revision of a checkout with one commit."""
    git("init")
    (folder / "a.txt").write_text("one")
    git("add", "a.txt")
    git("commit", "-m", "one")
    return git("rev-parse", "HEAD")


def test_outside_of_a_checkout_there_is_none(folder):
    assert git_revision() is None


def test_a_checkout_has_a_revision_and_says_when_it_was_changed(folder, revision):
    assert git_revision() == revision
    (folder / "new.txt").write_text("not tracked")
    assert git_revision() == revision
    (folder / "a.txt").write_text("two")
    assert git_revision() == f"{revision}-dirty"
    git("add", "a.txt")
    assert git_revision() == f"{revision}-dirty"
    git("commit", "-m", "two")
    assert git_revision() == git("rev-parse", "HEAD") != revision


def test_a_file_that_was_only_touched_is_not_changed(folder, revision):
    os.utime(folder / "a.txt", (1, 1))
    assert git_revision() == revision


def test_from_a_folder_of_it_and_from_another_work_tree(folder, revision, monkeypatch):
    git("worktree", "add", "-b", "other", "beside")
    (folder / "beside" / "deep").mkdir()
    for place in ("beside", "beside/deep"):
        monkeypatch.chdir(folder / place)
        assert git_revision() == revision


@pytest.mark.parametrize("how", ["packed", "detached", "symbolic"])
def test_however_the_branch_is_kept(folder, revision, how):
    if how == "packed":
        git("pack-refs", "--all")
        assert not (folder / ".git/refs/heads/main").exists()
    elif how == "detached":
        git("checkout", "--detach")
    else:
        git("symbolic-ref", "refs/heads/alias", "refs/heads/main")
        git("symbolic-ref", "HEAD", "refs/heads/alias")
    assert git_revision() == revision


def test_without_git_nobody_knows_whether_files_were_changed(folder, revision, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert git_revision() == f"{revision}-unknown"


def test_without_a_commit_there_is_none(folder):
    git("init")
    assert git_revision() is None


def test_a_branch_that_is_nowhere(folder, revision):
    git("pack-refs", "--all")
    git("symbolic-ref", "HEAD", "refs/heads/none")
    assert git_revision() is None


@pytest.mark.parametrize("head", ["", "ref: ../../secret", "ref: refs/heads/none", "\xff", "ref: refs/heads/main"])
def test_a_head_that_git_never_wrote(folder, head):
    (folder / ".git").mkdir()
    (folder / "secret").write_text("0" * 40)
    (folder / ".git" / "HEAD").write_bytes(head.encode("latin-1"))
    assert git_revision() is None


def test_a_pipe_is_not_waited_for(folder):
    (folder / ".git").mkdir()
    os.mkfifo(folder / ".git" / "HEAD")
    assert git_revision() is None


def test_a_setting_whose_name_git_could_misread_is_not_asked_about(folder, revision):
    """``-c filter.a=b.clean=`` would be a setting ``filter.a``, and leave the filter as it is."""
    git("config", "filter.a=b.clean", "true")
    assert git_revision() == f"{revision}-unknown"


@pytest.mark.parametrize(
    ("name", "value"), [("core.bigFileThreshold", "1m"), ("user.name", "x"), ("core.autocrlf", "input")]
)
def test_settings_of_another_kind_do_no_harm(folder, revision, name, value):
    git("config", name, value)
    assert git_revision() in (revision, f"{revision}-unknown")
    (folder / "a.txt").write_text("other")
    assert git_revision() in (f"{revision}-dirty", f"{revision}-unknown")


def test_nothing_that_the_checkout_names_is_run(folder, revision):
    """A monitor, a filter that reading a changed file would call, hooks, a pager, what shows differences."""
    program = folder / "program"
    program.write_text(f"#!/bin/sh\ntouch {folder}/ran\ncat\n")
    program.chmod(0o755)
    (folder / ".gitattributes").write_text("*.txt filter=mine diff=mine\n")
    (folder / ".git" / "hooks").mkdir(exist_ok=True)
    for hook in ("post-index-change", "fsmonitor-watchman"):
        (folder / ".git" / "hooks" / hook).symlink_to(program)
    settings = "core.fsmonitor core.pager core.editor core.sshCommand filter.mine.clean filter.mine.process"
    for name in f"{settings} diff.external diff.mine.textconv diff.mine.command credential.helper".split():
        git("config", name, str(program))
    (folder / "a.txt").write_text("two")
    os.utime(folder / "a.txt", (1, 1))
    assert git_revision() == f"{revision}-dirty"
    assert not (folder / "ran").exists()
    subprocess.run(["git", "status"], capture_output=True, check=False)
    assert (folder / "ran").exists(), "git itself runs it, so the trap works"


def test_the_checkout_is_not_written_to(folder, revision):
    os.utime(folder / "a.txt", (1, 1))
    before = {path: path.read_bytes() for path in (folder / ".git").rglob("*") if path.is_file()}
    git_revision()
    assert {path: path.read_bytes() for path in (folder / ".git").rglob("*") if path.is_file()} == before
