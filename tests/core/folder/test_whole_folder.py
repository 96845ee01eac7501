"""Whole or not there; and where the disk does not take it, what it needed and what there was."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from jepa_core.folder import whole_folder as module
from jepa_core.folder.files import NotWritten
from jepa_core.folder.whole_folder import retire, whole_folder


def write(target: Path, content: str = "x") -> None:
    with whole_folder(target, 1000) as draft:
        (draft / "a").write_text(content)


def test_it_is_there_when_it_is_whole(tmp_path):
    target = tmp_path / "new" / "model"
    with whole_folder(target, 1000) as draft:
        (draft / "a").write_text("x")
        assert not target.exists()
    assert [path.name for path in target.parent.iterdir()] == ["model"]
    assert (target / "a").read_text() == "x"


def test_what_was_there_is_replaced(tmp_path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "rest").write_text("")
    for left in ("model.part", "model.old.part"):
        (tmp_path / left).mkdir()
        (tmp_path / left / "by one that was killed").write_text("")
    write(tmp_path / "model")
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["a"]
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_beside_a_folder_of_the_user_nothing_of_his_goes(tmp_path):
    """Its draft is hidden; one that a killed process left goes."""
    for name in ("mine.part", "mine.old.part", ".mine.part"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text("precious")
    (tmp_path / "mine").mkdir()
    with whole_folder(tmp_path / "mine", 9, hidden=True) as draft:
        (draft / "b").write_text("x")
    assert {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*/*")} == {
        "mine/b",
        "mine.part/a",
        "mine.old.part/a",
    }


@pytest.mark.parametrize("name", ["model", "model.part"])
def test_nothing_is_written_through_a_link(tmp_path, name):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a").write_text("precious")
    (tmp_path / name).symlink_to("mine")
    write(tmp_path / "model")
    assert (tmp_path / "mine" / "a").read_text() == "precious"
    assert (tmp_path / "model" / "a").read_text() == "x"
    assert not (tmp_path / "model").is_symlink()


@pytest.mark.parametrize("mask", [0o022, 0o027, 0o077])
def test_files_have_the_mode_that_the_umask_asks_for(tmp_path, mask):
    """safetensors makes files for their owner alone, and then no colleague can read a shared run."""
    before = os.umask(mask)
    try:
        with whole_folder(tmp_path / "model", 1000) as draft:
            save_file({"a": torch.zeros(1)}, draft / "a.safetensors")
            (draft / "b.json").write_text("{}")
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "model").iterdir()} == {0o666 & ~mask}


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "No space left on device"),
        (OSError(errno.EROFS, os.strerror(errno.EROFS)), "Read-only file system"),
        (SafetensorError("I/O error: No space left on device (os error 28)"), "No space left on device"),
    ],
)
def test_what_the_disk_does_not_take(tmp_path, error, words):
    write(tmp_path / "model", "before")
    expected = rf"model: can't be written: .*{words}.*about 1,000 bytes, [\d,]+ are free"
    with pytest.raises(NotWritten, match=expected), whole_folder(tmp_path / "model", 1000) as draft:
        (draft / "a").write_text("x")
        raise error
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert (tmp_path / "model" / "a").read_text() == "before"


def test_any_other_error_leaves_nothing_either(tmp_path):
    with pytest.raises(KeyError), whole_folder(tmp_path / "model", 1000):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


def test_half_deleted_it_has_lost_its_name(tmp_path, monkeypatch):
    write(tmp_path / "model")
    monkeypatch.setattr(module, "remove", lambda path: None)
    retire(tmp_path / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model.old.part"]


def test_folders_in_it_stay_open_to_those_who_may_read(tmp_path):
    """Tokenizers may bring some."""
    with whole_folder(tmp_path / "model", 0) as draft:
        (draft / "templates").mkdir()
        before = (draft / "templates").stat().st_mode
    assert (tmp_path / "model" / "templates").stat().st_mode == before
