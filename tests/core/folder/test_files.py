"""Reads files alone, and writes them whole or not at all; never through a link."""

from __future__ import annotations

import errno
import os
import resource
import signal
from pathlib import Path

import pytest

from jepa_core.errors import JepaError
from jepa_core.folder import files
from jepa_core.folder.files import (
    NotWritten,
    append_line,
    read_bytes,
    read_json,
    refuse_read_only,
    remove,
    write_json,
    write_text,
)
from tests.children import in_child


class TestReading:
    def test_a_file_and_a_link_to_one(self, tmp_path):
        (tmp_path / "a").write_bytes(b"x")
        (tmp_path / "b").symlink_to("a")
        assert read_bytes(tmp_path / "a") == read_bytes(tmp_path / "b") == b"x"

    @pytest.mark.parametrize("kind", ["pipe", "link to a pipe", "folder", "device", "link to nowhere", "nothing"])
    def test_what_is_no_file_is_told_and_not_waited_for(self, tmp_path, kind):
        path = tmp_path / "a"
        if "pipe" in kind:
            os.mkfifo(tmp_path / "pipe")
        target = {"device": "/dev/zero", "link to a pipe": "pipe", "link to nowhere": "nowhere"}.get(kind)
        if kind == "pipe":
            (tmp_path / "pipe").rename(path)
        elif kind == "folder":
            path.mkdir()
        elif target:
            path.symlink_to(target)
        with pytest.raises(JepaError, match=r"a: can't be read: (not a regular file|No such file or directory)$"):
            read_bytes(path)

    def test_one_that_is_too_long(self, tmp_path):
        (tmp_path / "a").write_bytes(b"12345678")
        with pytest.raises(JepaError, match="larger than"):
            read_bytes(tmp_path / "a", limit=7)

    def test_memory_is_asked_for_by_the_size_of_the_file(self, tmp_path):
        (tmp_path / "a").write_bytes(b"x")

        def read_in_little_memory() -> None:
            taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (taken + (256 << 20), resource.RLIM_INFINITY))
            assert read_bytes(tmp_path / "a") == b"x"

        assert in_child(read_in_little_memory) == 0

    @pytest.mark.parametrize("content", [b"{", b"", b"\xff", b"[" * 100_000, b"9" * 10_000], ids=repr)
    def test_no_json(self, tmp_path, content):
        (tmp_path / "a.json").write_bytes(content)
        with pytest.raises(JepaError, match=r"a\.json: can't be read: ") as caught:
            read_json(tmp_path / "a.json")
        assert "\n" not in str(caught.value)


class TestWriting:
    def test_what_can_not_be_written_leaves_the_old_file(self, tmp_path):
        path = tmp_path / "metrics.json"
        write_json(path, {"mrr": 1})
        with pytest.raises(NotWritten, match="not JSON compliant"):
            write_json(path, {"mrr": float("nan")})
        assert path.read_text() == '{\n  "mrr": 1\n}\n'

    def test_no_draft_is_left(self, tmp_path):
        write_text(tmp_path / "new" / "a.txt", "é")
        assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.txt"]
        assert (tmp_path / "new" / "a.txt").read_bytes() == "é".encode()

    def test_a_place_that_takes_nothing_is_named(self, tmp_path):
        (tmp_path / "file").write_text("x")
        with pytest.raises(JepaError, match=r"file/a\.txt: can't be written: (File exists|Not a directory)$"):
            write_text(tmp_path / "file" / "a.txt", "x")

    def test_a_draft_that_a_killed_process_left_is_replaced(self, tmp_path):
        (tmp_path / "a.part").write_text("half")
        write_text(tmp_path / "a", "x")
        assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("a", "x")]

    @pytest.mark.parametrize("name", ["a", "a.part"])
    def test_a_link_is_replaced_and_what_it_leads_to_stays(self, tmp_path, name):
        (tmp_path / "mine").write_text("precious")
        (tmp_path / name).symlink_to("mine")
        write_text(tmp_path / "a", "x")
        assert (tmp_path / "mine").read_text() == "precious"
        assert (tmp_path / "a").read_text() == "x"
        assert not (tmp_path / "a").is_symlink()

    def test_a_full_disk_is_told_with_figures_and_the_draft_goes(self, tmp_path, monkeypatch):
        def full(descriptor):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        monkeypatch.setattr(files.os, "fsync", full)
        with pytest.raises(
            NotWritten, match=r"a: can't be written: No space left.*; it needs about 5 bytes, [\d,]+ are"
        ):
            write_text(tmp_path / "a", "12345")
        assert list(tmp_path.iterdir()) == []

    def test_an_interrupted_one_leaves_nothing(self, tmp_path, monkeypatch):
        def interrupt(descriptor):
            raise KeyboardInterrupt

        monkeypatch.setattr(files.os, "fsync", interrupt)
        with pytest.raises(KeyboardInterrupt):
            write_text(tmp_path / "a", "x")
        assert list(tmp_path.iterdir()) == []


class TestAppending:
    def test_line_by_line(self, tmp_path):
        append_line(tmp_path / "new" / "log", "é")
        append_line(tmp_path / "new" / "log", "2")
        assert (tmp_path / "new" / "log").read_text() == "é\n2\n"

    def test_a_line_that_does_not_fit_is_not_there_at_all(self, tmp_path):
        path = tmp_path / "log"
        append_line(path, "1")

        def in_a_small_place() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
            with pytest.raises(NotWritten, match=r"log: can't be written: .*; it needs about 201 bytes"):
                append_line(path, "x" * 200)

        assert in_child(in_a_small_place) == 0
        assert path.read_text() == "1\n"

    @pytest.mark.parametrize("kind", ["link", "pipe"])
    def test_nothing_goes_elsewhere(self, tmp_path, kind):
        (tmp_path / "mine").write_text("precious")
        (tmp_path / "log").symlink_to("mine") if kind == "link" else os.mkfifo(tmp_path / "log")
        with pytest.raises(NotWritten, match="log: can't be written: "):
            append_line(tmp_path / "log", "1")
        assert (tmp_path / "mine").read_text() == "precious"


def test_of_a_link_only_the_link_is_removed(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a").write_text("")
    (tmp_path / "link").symlink_to("mine")
    remove(tmp_path / "link")
    remove(tmp_path / "nothing")
    assert (tmp_path / "mine" / "a").exists()
    remove(tmp_path / "mine")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_takes_nothing_is_told_before_anything_is_done(tmp_path, monkeypatch):
    refuse_read_only(tmp_path / "new" / "folder")
    assert not (tmp_path / "new").exists()
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to("nowhere")
    for name in ("file", "file/below", "link"):
        with pytest.raises(JepaError, match=rf"{name}: can't be written: .*/(file|link) is no folder$"):
            refuse_read_only(tmp_path / name)
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(NotWritten, match=rf"new: can't be written: no right to write into {tmp_path}$"):
        refuse_read_only(tmp_path / "new")
