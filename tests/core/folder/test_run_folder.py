"""A run's folder: what counts as finished or complete, and what is never touched."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from jepa_core.errors import JepaError
from jepa_core.folder import run_folder
from jepa_core.folder.files import NotWritten, write_json, write_text
from jepa_core.folder.run_folder import FolderTaken, RunFolder


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
    def test_it_removes_what_a_run_wrote_but_its_recipe_and_nothing_else(self, folder):
        """Killed in between, it is a run's folder still, whatever else is in it."""
        notes = folder.path / "notes" / "mine.txt"
        write_text(notes, "mine")
        write_text(folder.path / "metrics.json.part", "half")
        folder.clear()
        assert {p for p in folder.path.rglob("*") if p.is_file()} == {notes, folder.recipe}
        folder.clear()

    def test_it_is_not_finished_from_the_first_removal_on(self, folder, monkeypatch):
        removed = []
        monkeypatch.setattr(run_folder, "remove", lambda path: removed.append(path.name))
        folder.clear()
        assert removed[0] == "metrics.json"
        assert "model" in removed

    @pytest.mark.parametrize("name", ["checkpoints", "model"])
    def test_of_a_folder_that_was_moved_and_linked_the_link_goes(self, folder, name):
        moved = folder.path.parent / "on another disk"
        (folder.path / name).rename(moved)
        (folder.path / name).symlink_to(moved)
        before = sorted(moved.rglob("*"))
        folder.clear()
        assert sorted(moved.rglob("*")) == before
        assert not (folder.path / name).is_symlink()

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


@pytest.mark.parametrize("name", ["recipe.resolved.yaml.part", "vocabulary.json.part", ".lock"])
def test_what_a_run_left_that_was_killed_in_its_first_write_is_no_stranger(tmp_path, name):
    (tmp_path / name).write_text("")
    RunFolder(tmp_path).refuse_strangers()
    (tmp_path / "mine.part").write_text("")
    with pytest.raises(FolderTaken, match="not a run's folder"):
        RunFolder(tmp_path).refuse_strangers()


def test_nothing_and_an_empty_folder_can_be_taken(tmp_path):
    RunFolder(tmp_path / "new" / "run").refuse_strangers()
    RunFolder(tmp_path).refuse_strangers()


@pytest.mark.parametrize("path", ["file", "file/run", "file/deep/run"])
def test_a_file_in_the_way_is_named(tmp_path, path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(FolderTaken, match=r"file is a file; choose another output_dir") as caught:
        RunFolder(tmp_path / path).refuse_strangers()
    assert caught.value.exit_status == 2


@pytest.mark.parametrize("path", ["link", "link/run"])
def test_a_link_that_leads_nowhere_is_named(tmp_path, path):
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(FolderTaken, match=r"link is a link that leads nowhere; choose another output_dir$"):
        RunFolder(tmp_path / path).refuse_strangers()


def test_checkpoints_that_are_linked_and_gone_are_named(folder):
    shutil.rmtree(folder.checkpoints)
    folder.checkpoints.symlink_to("nowhere")
    with pytest.raises(FolderTaken, match="checkpoints is a link that leads nowhere"):
        folder.refuse_strangers()


class TestRights:
    """Root has every right, so it is the system call that answers."""

    def test_a_folder_that_may_not_be_written_is_named(self, tmp_path, monkeypatch):
        RunFolder(tmp_path / "new" / "run").refuse_read_only()
        monkeypatch.setattr(run_folder.os, "access", lambda path, mode: path != tmp_path)
        with pytest.raises(NotWritten, match=rf"run: can't be written: no right to write into {tmp_path}$"):
            RunFolder(tmp_path / "new" / "run").refuse_read_only()

    def test_a_folder_that_may_not_be_looked_into_is_named(self, tmp_path, monkeypatch):
        def refuse(path):
            raise PermissionError(13, "Permission denied", str(path))

        monkeypatch.setattr(Path, "iterdir", refuse)
        with pytest.raises(JepaError, match=rf"^{tmp_path}: can't be read: Permission denied$"):
            RunFolder(tmp_path).refuse_strangers()


class TestLeavingNoTrace:
    def test_empty_folders_go_that_were_not_there(self, tmp_path):
        folder = RunFolder(tmp_path / "new" / "run")
        with pytest.raises(KeyError), folder.leaving_no_trace():
            folder.checkpoints.mkdir(parents=True)
            raise KeyError
        assert list(tmp_path.iterdir()) == []

    def test_what_was_there_or_is_not_empty_stays(self, tmp_path):
        folder = RunFolder(tmp_path / "old" / "run")
        (tmp_path / "old").mkdir()
        with pytest.raises(KeyError), folder.leaving_no_trace():
            folder.checkpoints.mkdir(parents=True)
            (folder.path / "a").write_text("")
            raise KeyError
        assert [p.name for p in folder.path.iterdir()] == ["a"]
        assert not folder.checkpoints.exists()
        with folder.leaving_no_trace():
            folder.checkpoints.mkdir()
        assert folder.checkpoints.exists()


@pytest.mark.parametrize("text", ['{"train": {"mr', "", None])
def test_metrics_cut_off_are_named(folder, text):
    folder.metrics.unlink() if text is None else folder.metrics.write_text(text)
    with pytest.raises(JepaError, match=r"metrics\.json: can't be read: "):
        folder.read_metrics()


@pytest.mark.parametrize("text", ['"x"', "[]", '{"train": 1}', "null"])
def test_metrics_of_another_shape_are_named(folder, text):
    folder.metrics.write_text(text)
    with pytest.raises(JepaError, match=r"metrics\.json: not the metrics of a run: expected"):
        folder.read_metrics()


@pytest.mark.parametrize("value", ['"x"', "true", "NaN", "1e999", "1" + "0" * 400])
def test_a_figure_that_is_none_is_named(folder, value):
    folder.metrics.write_text(f'{{"train": {{"mrr": {value}}}}}')
    with pytest.raises(JepaError, match=r"metrics\.json: train\.mrr: expected a figure, not '"):
        folder.read_metrics()


class TestLeadingOut:
    """A folder that somebody sent."""

    def test_what_a_run_wrote_leads_nowhere_else(self, folder):
        (folder.path / "also.json").symlink_to("metrics.json")
        (folder.model / "again.json").symlink_to("../model/config.json")
        (folder.path / "notes").symlink_to("/")  # none of what is asked about
        folder.refuse_leading_out(*folder.files, folder.model, folder.checkpoints, folder.path / "also.json")

    @pytest.mark.parametrize(
        "name", ["metrics.json", "recipe.resolved.yaml", "model", "model/config.json", "checkpoints/checkpoint-9/a"]
    )
    @pytest.mark.parametrize("target", ["/etc/passwd", "/", "../../../secret"])
    def test_a_link_is_named(self, folder, name, target):
        path = folder.path / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        path.symlink_to(target)
        with pytest.raises(JepaError, match=rf"{name}: a link that leads out of the run's folder; it is not followed"):
            folder.refuse_leading_out(*folder.files, folder.model, folder.checkpoints)

    def test_a_folder_on_the_way_that_is_a_link_is_one_too(self, folder):
        folder.checkpoints.rename(folder.path.parent / "moved")
        folder.checkpoints.symlink_to("../moved")
        with pytest.raises(JepaError, match="checkpoint-9: a link that leads out"):
            folder.refuse_leading_out(folder.checkpoints / "checkpoint-9")

    @pytest.mark.parametrize("name", ["metrics.jsonl", "model/pipe"])
    def test_a_pipe_is_named(self, folder, name):
        (folder.path / name).unlink(missing_ok=True)
        os.mkfifo(folder.path / name)
        with pytest.raises(JepaError, match=rf"{name}: not a regular file; it is not opened"):
            folder.refuse_leading_out(*folder.files, folder.model)

    def test_a_circle_of_links_is_told(self, folder):
        (folder.model / "a").symlink_to("b")
        (folder.model / "b").symlink_to("a")
        with pytest.raises(JepaError, match="run"):
            folder.refuse_leading_out(folder.model)
