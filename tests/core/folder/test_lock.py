"""One holder at a time, by name; free as soon as the holder is gone, in whichever way."""

from __future__ import annotations

import os
import re
import socket
import time

import pytest

from jepa_core.errors import JepaError
from jepa_core.folder.lock import FolderLocked, locked
from tests.children import Child, die, in_child


def hold(folder, ready, forked: bool = False):
    """Holds the folder until it is killed; forked: with a child of its own that lives on a little."""
    with locked(folder):
        if forked and os.fork() == 0:
            time.sleep(2)
            os._exit(0)
        ready.write_text("")
        time.sleep(60)


def holder(folder, forked: bool = False) -> Child:
    ready = folder.parent / "ready"
    ready.unlink(missing_ok=True)
    child = Child(lambda: hold(folder, ready, forked))
    while not ready.exists():
        time.sleep(0.005)
    return child


def test_the_second_is_told_of_the_first(tmp_path):
    child = holder(tmp_path / "run")
    who = re.escape(f"process {child.pid} on {socket.gethostname()}")
    with pytest.raises(FolderLocked, match=rf"run: another run is at work there \({who}\)"), locked(tmp_path / "run"):
        pass
    os.kill(child.pid, 9)
    child.wait()
    with locked(tmp_path / "run"):
        pass


def test_a_worker_that_outlives_its_run_does_not_keep_it(tmp_path):
    child = holder(tmp_path / "run", forked=True)
    os.kill(child.pid, 9)
    child.wait()
    with locked(tmp_path / "run"):
        pass


def test_nothing_is_left(tmp_path):
    with locked(tmp_path / "run"):
        assert (tmp_path / "run" / ".lock").exists()
    assert list((tmp_path / "run").iterdir()) == []


def test_what_a_killed_one_left_is_no_lock(tmp_path):
    def killed() -> None:
        with locked(tmp_path):
            die()

    in_child(killed)
    assert (tmp_path / ".lock").exists()
    with locked(tmp_path):
        pass


def test_many_at_once(tmp_path):
    """Each that gets in is alone there, also where the file is removed and made anew all the time."""

    def work() -> None:
        for _ in range(60):
            try:
                with locked(tmp_path / "run"):
                    os.close(os.open(tmp_path / "inside", os.O_CREAT | os.O_EXCL))
                    os.unlink(tmp_path / "inside")
            except FolderLocked:
                pass

    children = [Child(work) for _ in range(4)]
    assert [child.wait() for child in children] == [0, 0, 0, 0]


def test_a_place_that_takes_nothing_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(JepaError, match=r"file/run: can't be written: Not a directory"), locked(tmp_path / "file/run"):
        pass
