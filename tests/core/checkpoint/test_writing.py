"""A checkpoint is sealed before it has its name; leftovers of earlier attempts go, and nothing else does."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jepa_core.checkpoint.manifest import check_checkpoint, whole_checkpoint
from jepa_core.folder.files import NotWritten


def write(target: Path, content: str = "x") -> None:
    with whole_checkpoint(target, 3, 1000) as draft:
        (draft / "a").write_text(content)


def test_it_is_there_when_it_is_whole(tmp_path):
    target = tmp_path / "new" / "checkpoint-3"
    with whole_checkpoint(target, 3, 1000) as draft:
        (draft / "a").write_text("x")
        assert not target.exists()
    assert check_checkpoint(target) == 3
    assert [path.name for path in target.parent.iterdir()] == ["checkpoint-3"]


def test_a_bad_one_of_the_same_step_is_replaced(tmp_path):
    (tmp_path / "checkpoint-3").mkdir()
    (tmp_path / "checkpoint-3" / "rest").write_text("")
    write(tmp_path / "checkpoint-3")
    assert check_checkpoint(tmp_path / "checkpoint-3") == 3


def test_leftovers_go_first_and_nothing_of_others(tmp_path):
    """The folder may be a link to where other things are."""
    for name in ("checkpoint-2.part", "checkpoint-1.old.part", "film.part"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "huge").write_text("")
    with whole_checkpoint(tmp_path / "checkpoint-3", 3, 1000) as draft:
        assert {path.name for path in tmp_path.iterdir()} == {draft.name, "film.part"}


def test_what_the_disk_does_not_take(tmp_path):
    write(tmp_path / "checkpoint-2")
    with (
        pytest.raises(NotWritten, match=r"checkpoint-3: can't be written: .*full.*about 1,000 bytes, [\d,]+ are free"),
        whole_checkpoint(tmp_path / "checkpoint-3", 3, 1000),
    ):
        raise OSError(28, "full")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-2"]


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
