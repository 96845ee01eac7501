from __future__ import annotations

import json
from pathlib import Path

import pytest

from jepa_core.errors import DataError
from jepa_plugins.facts import write as module
from jepa_plugins.facts.folder import FILES, read_folder
from jepa_plugins.facts.generate import generate_task
from jepa_plugins.facts.task_size import TaskSize
from jepa_plugins.facts.write import write_folder
from tests.plugins.facts.specimen import contents, same_task, write

SIZE = TaskSize(20, 10, 2, 5)


@pytest.mark.parametrize("size", [SIZE, TaskSize(20, 10, 2, None)])
def test_what_is_written_is_read_back_as_it_was(tmp_path, size):
    task = generate_task(size, seed=7)
    write_folder(task, tmp_path / "deep" / "task")
    assert same_task(read_folder(tmp_path / "deep" / "task"), task)
    assert [path.name for path in tmp_path.iterdir()] == ["deep"]
    assert sorted(path.name for path in (tmp_path / "deep").rglob("*")) == sorted(["task", *FILES])


def test_entities_of_any_length_survive(tmp_path):
    task = read_folder(write(tmp_path / "a", contents()))
    write_folder(task, tmp_path / "b")
    assert {name: json.loads((tmp_path / "b" / name).read_text()) for name in FILES} == contents()


def test_the_format(tmp_path):
    write_folder(generate_task(SIZE, seed=7), tmp_path)
    first = json.loads((tmp_path / "train.json").read_text())[0]
    assert list(first) == ["input_text", "target_text", "type"]
    assert [len(span) for span in first["input_text"]] == [2, 1, 1]
    assert [len(span) for span in first["target_text"]] == [2]
    assert list(json.loads((tmp_path / "vocab.json").read_text()).values()) == list(range(6 + 6 + 1 + 4 + 2))


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_task_is_overwritten_only_when_told(tmp_path):
    write_folder(generate_task(SIZE, seed=1), tmp_path)
    (tmp_path / "notes.txt").write_text("kept")
    before = snapshot(tmp_path)
    with pytest.raises(DataError, match=r"train.json, valid.json, vocab.json there already; --overwrite"):
        write_folder(generate_task(SIZE, seed=2), tmp_path)
    assert snapshot(tmp_path) == before
    write_folder(generate_task(SIZE, seed=2), tmp_path, overwrite=True)
    assert same_task(read_folder(tmp_path), generate_task(SIZE, seed=2))
    assert (tmp_path / "notes.txt").read_text() == "kept"


def test_one_file_of_a_task_is_enough_to_stop(tmp_path):
    (tmp_path / "vocab.json").write_text("{}")
    with pytest.raises(DataError, match=r"vocab\.json there already"):
        write_folder(generate_task(SIZE, seed=1), tmp_path)
    assert snapshot(tmp_path) == {"vocab.json": b"{}"}


def test_a_failure_half_way_leaves_everything_as_it_was(tmp_path, monkeypatch):
    folder = tmp_path / "task"
    write_folder(generate_task(SIZE, seed=1), folder)
    before, written = snapshot(folder), []

    def full_disk(path: Path, *args, **kwargs):
        written.append(path.name)
        if len(written) == 2:
            raise OSError(28, "No space left on device")
        return original(path, *args, **kwargs)

    original = Path.write_text
    monkeypatch.setattr(Path, "write_text", full_disk)
    with pytest.raises(DataError, match="task: can't be written: No space left on device"):
        write_folder(generate_task(SIZE, seed=2), folder, overwrite=True)
    assert snapshot(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["task"]


def test_stopped_between_two_files_the_folder_is_no_mixture(tmp_path, monkeypatch):
    write_folder(generate_task(SIZE, seed=1), tmp_path)
    original = Path.replace

    def stopped(path: Path, target: Path):
        if target.name == "valid.json":
            raise OSError(5, "Input/output error")
        return original(path, target)

    monkeypatch.setattr(module.Path, "replace", stopped)
    with pytest.raises(DataError, match="can't be written"):
        write_folder(generate_task(SIZE, seed=2), tmp_path, overwrite=True)
    with pytest.raises(DataError, match=r"missing: vocab.json"):
        read_folder(tmp_path)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "task").write_text("mine")
    with pytest.raises(DataError, match="expected a folder, this is a file"):
        write_folder(generate_task(SIZE, seed=1), tmp_path / "task", overwrite=True)
    assert (tmp_path / "task").read_text() == "mine"
