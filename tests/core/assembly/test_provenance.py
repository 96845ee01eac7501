from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import pytest
import torch

import jepa_core
from jepa_core.assembly.provenance import git_revision, provenance, versions
from jepa_core.registry import Registry


def git(*arguments: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "init.defaultBranch=main"]
    return subprocess.run(["git", *who, *arguments], capture_output=True, text=True, check=True).stdout.strip()


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    return tmp_path


def test_versions_are_those_in_use():
    found = versions()
    assert found["python"] == platform.python_version()
    assert found["torch"] == torch.__version__
    assert found["jepa-core"] == jepa_core.__version__
    assert found["threads"] == str(torch.get_num_threads())


def test_a_checkout_has_a_revision_and_says_when_it_was_changed(folder):
    assert git_revision() is None
    git("init")
    (folder / "a.txt").write_text("one")
    git("add", "a.txt")
    git("commit", "-m", "one")
    revision = git("rev-parse", "HEAD")
    assert git_revision() == revision
    (folder / "a.txt").write_text("two")
    assert git_revision() == f"{revision}-dirty"


def test_without_git_there_is_none(folder, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert git_revision() is None


def test_a_run_notes_where_its_recipe_and_data_were(folder):
    (folder / "mine").mkdir()
    (folder / "mine" / "first.yaml").write_text("seed: 1")
    registry = Registry.discover()
    noted = provenance(jepa_core.load_recipe("mine/first.yaml", registry=registry), registry)
    assert noted["recipe"] == "mine/first.yaml"
    assert noted["search"][:2] == [str(folder), str(folder / "mine")]
    assert noted["plugins"].items() >= {"jepa-core": jepa_core.__version__}.items()
