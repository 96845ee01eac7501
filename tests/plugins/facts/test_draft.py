"""A task takes its place whole; nothing hidden is left, whatever stopped an earlier one."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from jepa_core.cli import main
from jepa_core.errors import DataError, JepaError
from jepa_plugins.facts import pack
from jepa_plugins.facts.draft import draft_beside, put_in_place
from tests.children import Child, die, in_child


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_nothing_is_left_beside(tmp_path):
    with draft_beside(tmp_path / "new" / "task") as draft:
        (draft / "a").write_text("1")
        assert draft.parent == tmp_path / "new"
        put_in_place(draft, tmp_path / "new" / "task")
    assert names(tmp_path / "new") == ["task"]
    with pytest.raises(KeyError), draft_beside(tmp_path / "other"):
        raise KeyError
    assert names(tmp_path) == ["new"]


@pytest.mark.parametrize("left", [".task.part-123", ".task.old-123"])
def test_what_a_killed_one_left_goes(tmp_path, left):
    """And nothing that only looks like it."""
    for name in (left, "task", ".tasks.part-1", ".task.part", ".task.part-mine"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text("")
    with draft_beside(tmp_path / "task") as draft:
        assert names(draft) == []
    assert names(tmp_path) == [".task.part", ".task.part-mine", ".tasks.part-1", "task"]


def test_an_older_task_that_was_only_put_aside_comes_back(tmp_path):
    (tmp_path / ".task.old-7").mkdir()
    (tmp_path / ".task.old-7" / "a").write_text("the only one")
    with pytest.raises(KeyError), draft_beside(tmp_path / "task"):
        raise KeyError
    assert (tmp_path / "task" / "a").read_text() == "the only one"
    assert names(tmp_path) == ["task"]


def test_killed_between_the_two_moves_the_next_one_has_it_again(tmp_path):
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "a").write_text("old")

    def killed() -> None:
        with draft_beside(tmp_path / "task") as draft:
            rename = Path.rename
            Path.rename = lambda path, to: die() if path == draft else rename(path, to)
            put_in_place(draft, tmp_path / "task")

    assert in_child(killed) == -signal.SIGKILL
    assert not (tmp_path / "task").exists()
    with draft_beside(tmp_path / "task"):
        assert (tmp_path / "task" / "a").read_text() == "old"
    assert names(tmp_path) == ["task"]


def test_one_at_a_time(tmp_path):
    with draft_beside(tmp_path / "task") as draft:

        def second() -> None:
            with pytest.raises(JepaError, match="task: another run is at work there"), draft_beside(tmp_path / "task"):
                pass

        assert in_child(second) == 0
        assert draft.exists()


def test_a_place_that_takes_nothing_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="file/task: can't be written: "), draft_beside(tmp_path / "file" / "task"):
        pass


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_a_command_that_is_stopped_leaves_nothing_hidden(tmp_path, number, monkeypatch):
    """Or, where it can't clean up, the next one does."""
    monkeypatch.chdir(tmp_path)
    size = ["--entities-both-ways", "20", "--entities-one-way", "10", "--name-multiplicity", "5", "--packed"]

    def generate(stopped: bool) -> None:
        if stopped:
            monkeypatch.setattr(pack, "_finish", lambda *arguments: os.kill(os.getpid(), number) or signal.pause())
        sys.argv = ["jepa-run", "data", "generate", "task", *size]
        main.main()

    assert Child(lambda: generate(stopped=True)).wait() in (128 + number, -number)
    if number == signal.SIGKILL:
        lock, draft = names(tmp_path)
        assert (lock, draft.startswith(".task.part-")) == (".task.lock", True)
        assert Child(lambda: generate(stopped=False)).wait() == 0
        assert names(tmp_path) == ["task"]
    else:
        assert names(tmp_path) == []
