"""One holder at a time, by name; free as soon as the holder is gone, in whichever way."""

from __future__ import annotations

import fcntl
import os
import re
import socket
import subprocess
import sys
import time

import pytest

from jepa_core.errors import JepaError
from jepa_core.folder import lock
from jepa_core.folder.files import NotWritten
from jepa_core.folder.lock import FolderLocked, locked, shared_lock
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


def test_a_file_that_its_holder_removed_meanwhile_is_no_lock(tmp_path, monkeypatch):
    """Between our opening and our locking it; whoever comes next would make a new one, and have that."""
    lockf, seen = fcntl.lockf, []

    def late(descriptor, how):
        if not seen:
            (tmp_path / "run" / ".lock").unlink()
        seen.append(descriptor)
        lockf(descriptor, how)

    monkeypatch.setattr(lock.fcntl, "lockf", late)
    with locked(tmp_path / "run"):
        assert (tmp_path / "run" / ".lock").exists()
    assert len(seen) == 2


def test_a_place_that_takes_nothing_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(JepaError, match=r"file/run: can't be written: Not a directory"), locked(tmp_path / "file/run"):
        pass


class TestStrangers:
    """Files under the lock's name that are none."""

    @pytest.mark.parametrize("kind", ["link to a file", "link to nowhere", "second name", "pipe", "folder"])
    def test_nothing_of_it_is_touched(self, tmp_path, kind):
        (tmp_path / "mine").write_text("precious")
        path = tmp_path / "run" / ".lock"
        path.parent.mkdir()
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "second name":
            os.link(tmp_path / "mine", path)
        elif kind == "folder":
            path.mkdir()
        else:
            path.symlink_to(tmp_path / ("mine" if "file" in kind else "nowhere"))
        words = r"run(/\.lock)?: (is a link|is no regular file|can't be written)"
        with pytest.raises(JepaError, match=words), locked(tmp_path / "run"):
            pass
        assert (tmp_path / "mine").read_text() == "precious"
        assert not (tmp_path / "nowhere").exists()
        assert os.path.lexists(path)

    @pytest.mark.parametrize("text", ["", "[]", "{", '{"pid": "x", "host": []}', "[" * 2000])
    def test_a_holder_that_says_nothing_sensible(self, tmp_path, text):
        child = holder(tmp_path / "run")
        (tmp_path / "run" / ".lock").write_text(text)
        words = r"another run is at work there \(it has not said who it is\)"
        with pytest.raises(FolderLocked, match=words), locked(tmp_path / "run"):
            pass
        os.kill(child.pid, 9)
        child.wait()

    @pytest.mark.parametrize("text", ["my notes", "[]", "\0" * 9, '{"pid": 3}'])
    def test_a_file_of_the_user_s_is_left(self, tmp_path, text):
        path = tmp_path / "run" / ".lock"
        path.parent.mkdir()
        path.write_text(text)
        with (
            pytest.raises(JepaError, match=r"run/\.lock: holds what no run wrote, .*; move it away"),
            locked(path.parent),
        ):
            pass
        assert path.read_text() == text

    @pytest.mark.parametrize("kind", ["mine", "link", "link to nowhere", "folder"])
    def test_filelock_empties_nothing_that_is_no_lock(self, tmp_path, kind):
        path, mine = tmp_path / "study.lock", tmp_path / "mine"
        mine.write_text("precious")
        if kind == "mine":
            path.write_text("precious")
        elif kind == "folder":
            path.mkdir()
        else:
            path.symlink_to("mine" if kind == "link" else "nowhere")
        with pytest.raises(JepaError, match=r"study\.lock: is no lock of a run; move it away"), shared_lock(path):
            pass
        assert mine.read_text() == "precious"
        assert kind != "mine" or path.read_text() == "precious"
        assert not (tmp_path / "nowhere").exists()
        for _ in range(2):
            with shared_lock(tmp_path / "other.lock"):
                pass

    def test_a_full_disk_is_told(self, tmp_path, monkeypatch):
        def full(*arguments):
            raise OSError(28, os.strerror(28))

        monkeypatch.setattr(lock.os, "pwrite", full)
        with pytest.raises(NotWritten, match="run: can't be written: No space left"), locked(tmp_path / "run"):
            pass
        assert list((tmp_path / "run").iterdir()) == []


class TestWithoutFcntl:
    """Systems like Windows have another kind of lock."""

    @pytest.fixture(autouse=True)
    def no_fcntl(self, monkeypatch):
        monkeypatch.setattr(lock, "fcntl", None)

    def test_one_at_a_time_and_free_when_the_holder_dies(self, tmp_path):
        child = holder(tmp_path / "run")
        with pytest.raises(FolderLocked, match="run: another run is at work there"), locked(tmp_path / "run"):
            pass
        os.kill(child.pid, 9)
        child.wait()
        with locked(tmp_path / "run"):
            pass
        assert list((tmp_path / "run").iterdir()) == []

    def test_what_goes_wrong_inside_is_not_the_lock_s(self, tmp_path):
        with pytest.raises(FileNotFoundError), locked(tmp_path / "run"):
            (tmp_path / "gone").read_text()
        assert list((tmp_path / "run").iterdir()) == []


def test_without_fcntl_everything_can_be_imported(tmp_path):
    code = """
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name == "fcntl":
            raise ModuleNotFoundError(f"No module named '{name}'", name=name)
sys.modules.pop("fcntl", None)
sys.meta_path.insert(0, Hide())
from pathlib import Path
from jepa_core.folder import lock
assert lock.fcntl is None
with lock.locked(Path("run")):
    print("held")
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "held\n", done.stderr
