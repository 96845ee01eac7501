"""A run's folder: what counts as finished or complete, and what is never touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from jepa_core.errors import JepaError
from jepa_core.folder.run_folder import FolderTaken, RunFolder, write_json, write_text


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    """A finished run."""
    folder = RunFolder(tmp_path / "run")
    write_text(folder.recipe, "seed: 1\n")
    write_text(folder.vocabulary, "{}\n")
    write_text(folder.log, "")
    write_json(folder.metrics, {"train": {"mrr": 0.5}})
    write_text(folder.model / "config.json", "{}")
    write_text(folder.checkpoints / "checkpoint-9" / "state.json", "{}")
    return folder


def test_a_run_is_finished_when_its_metrics_are_there(folder):
    assert folder.started
    assert folder.finished
    assert folder.read_metrics() == {"train": {"mrr": 0.5}}
    folder.metrics.unlink()
    assert folder.started
    assert not folder.finished


class TestClear:
    def test_it_removes_what_a_run_wrote_and_nothing_else(self, folder):
        notes = folder.path / "notes" / "mine.txt"
        write_text(notes, "mine")
        folder.clear()
        assert not folder.started
        assert [p for p in folder.path.rglob("*") if p.is_file()] == [notes]

    def test_a_run_interrupted_while_it_was_cleared_can_be_cleared(self, folder):
        folder.metrics.unlink()
        folder.vocabulary.unlink()
        folder.clear()
        assert list(folder.path.iterdir()) == []

    def test_a_folder_of_something_else_is_left_alone(self, tmp_path):
        write_text(tmp_path / "model" / "weights", "of somebody else")
        with pytest.raises(FolderTaken, match="not empty and not a run's folder"):
            RunFolder(tmp_path).clear()
        assert (tmp_path / "model" / "weights").read_text() == "of somebody else"


def test_an_empty_folder_for_checkpoints_is_no_stranger(tmp_path):
    """transformers' Trainer makes it before the run writes anything."""
    folder = RunFolder(tmp_path)
    folder.checkpoints.mkdir()
    folder.refuse_strangers()
    (folder.path / ".lock").write_text("")
    folder.refuse_strangers()
    (folder.checkpoints / "mine.txt").write_text("")
    with pytest.raises(FolderTaken, match="not a run's folder"):
        folder.refuse_strangers()


def test_nothing_and_an_empty_folder_can_be_taken(tmp_path):
    RunFolder(tmp_path / "new" / "run").refuse_strangers()
    RunFolder(tmp_path).refuse_strangers()


@pytest.mark.parametrize("path", ["file", "file/run", "file/deep/run"])
def test_a_file_in_the_way_is_named(tmp_path, path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(FolderTaken, match=r"file is a file; choose another output_dir") as caught:
        RunFolder(tmp_path / path).refuse_strangers()
    assert caught.value.exit_status == 2


class TestWriting:
    def test_what_can_not_be_written_leaves_the_old_file(self, tmp_path):
        path = tmp_path / "metrics.json"
        write_json(path, {"mrr": 1})
        with pytest.raises(ValueError, match="not JSON compliant"):
            write_json(path, {"mrr": float("nan")})
        assert path.read_text() == '{\n  "mrr": 1\n}\n'

    def test_no_draft_is_left(self, tmp_path):
        write_text(tmp_path / "new" / "a.txt", "é")
        assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.txt"]
        assert (tmp_path / "new" / "a.txt").read_bytes() == "é".encode()

    def test_a_place_that_takes_nothing_is_named(self, tmp_path):
        (tmp_path / "file").write_text("x")
        with pytest.raises(JepaError, match=r"file/a\.txt: can't be written: "):
            write_text(tmp_path / "file" / "a.txt", "x")


@pytest.mark.parametrize("text", ['{"train": {"mr', "", None])
def test_metrics_cut_off_are_named(folder, text):
    folder.metrics.unlink() if text is None else folder.metrics.write_text(text)
    with pytest.raises(JepaError, match=r"metrics\.json: can't be read: "):
        folder.read_metrics()
