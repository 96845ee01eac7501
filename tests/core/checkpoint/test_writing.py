"""Whole or not there; and where the disk does not take it, what it needed and what there was."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from safetensors import SafetensorError

from jepa_core.checkpoint import writing
from jepa_core.checkpoint.manifest import check
from jepa_core.checkpoint.writing import NotWritten, remove, whole_folder


def write(target: Path, content: str = "x") -> None:
    with whole_folder(target, 3, 1000) as draft:
        (draft / "a").write_text(content)


def test_it_is_there_when_it_is_whole(tmp_path):
    target = tmp_path / "new" / "checkpoint-3"
    with whole_folder(target, 3, 1000) as draft:
        (draft / "a").write_text("x")
        assert not target.exists()
    assert check(target) == 3
    assert [path.name for path in target.parent.iterdir()] == ["checkpoint-3"]


def test_a_bad_one_of_the_same_step_is_replaced(tmp_path):
    (tmp_path / "checkpoint-3").mkdir()
    (tmp_path / "checkpoint-3" / "rest").write_text("")
    write(tmp_path / "checkpoint-3")
    assert check(tmp_path / "checkpoint-3") == 3


def test_leftovers_go_first(tmp_path):
    (tmp_path / "checkpoint-2.part").mkdir()
    (tmp_path / "checkpoint-2.part" / "huge").write_text("")
    with whole_folder(tmp_path / "checkpoint-3", 3, 1000) as draft:
        assert [path.name for path in tmp_path.iterdir()] == [draft.name]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on device"),
        (OSError(errno.EROFS, os.strerror(errno.EROFS)), "Read-only file system"),
        (SafetensorError("I/O error: No space left on device (os error 28)"), "No space left on device"),
    ],
)
def test_what_the_disk_does_not_take(tmp_path, error, words):
    write(tmp_path / "checkpoint-2")
    expected = rf"checkpoint-3: can't be written: .*{words}.*about 1,000 bytes, [\d,]+ are free"
    with pytest.raises(NotWritten, match=expected), whole_folder(tmp_path / "checkpoint-3", 3, 1000) as draft:
        (draft / "a").write_text("x")
        raise error
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-2"]


def test_any_other_error_leaves_nothing_either(tmp_path):
    with pytest.raises(KeyError), whole_folder(tmp_path / "checkpoint-3", 3, 1000):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_the_order_of_what_is_done(tmp_path, monkeypatch):
    """Files on the disk before the manifest names them, all of it before the rename, and the rename last."""
    done: list[str] = []
    fsync, rename = os.fsync, Path.rename

    def note_sync(descriptor):
        done.append("sync " + Path(os.readlink(f"/proc/self/fd/{descriptor}")).name)
        fsync(descriptor)

    def note_rename(self, target):
        done.append("rename")
        return rename(self, target)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(Path, "rename", note_rename)
    write(tmp_path / "checkpoint-3")
    draft = "checkpoint-3.part"
    assert done == ["sync a", "sync manifest.json", f"sync {draft}", "rename", f"sync {tmp_path.name}"]


def test_half_deleted_it_has_lost_its_name(tmp_path, monkeypatch):
    write(tmp_path / "checkpoint-3")
    monkeypatch.setattr(writing.shutil, "rmtree", lambda path, **options: None)
    remove(tmp_path / "checkpoint-3")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-3.old.part"]
