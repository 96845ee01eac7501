"""Keeping a verification."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from jepa_core.errors import JepaError
from jepa_core.verify.files import default_folder, write_files
from tests.core.verify.breaking import tiny
from tests.core.verify.test_page import FOUND


@pytest.mark.parametrize(
    ("output_dir", "folder"),
    [("runs/cosine_k1", "runs/verify/cosine_k1"), ("mine", "verify/mine"), ("/a/b", "/a/verify/b")],
)
def test_beside_the_run(output_dir, folder):
    assert default_folder(output_dir) == Path(folder)


def test_three_files(tmp_path):
    folder = tmp_path / "deep" / "down"
    told = write_files(FOUND, tiny(), folder)
    assert told == [f"{folder}: verify.html, verify.json, mask.png"]
    assert {path.name for path in folder.iterdir()} == {"verify.html", "verify.json", "mask.png"}
    data = json.loads((folder / "verify.json").read_text())
    assert (data["recipe"], data["verdict"], data["seconds"]) == ("tiny", "fail", 1.25)
    assert data["counts"] == {"pass": 0, "fail": 1, "warn": 0, "n/a": 1}
    assert data["rows"][0]["figure"] == 3
    write_files(FOUND, tiny(), folder)  # again, over the old ones


def test_without_matplotlib_there_is_no_picture(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    (told,) = write_files(FOUND, tiny(), tmp_path)
    assert "no picture of the mask: pictures need matplotlib" in told
    assert {path.name for path in tmp_path.iterdir()} == {"verify.html", "verify.json"}


def test_a_place_that_does_not_take_them(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(JepaError, match="can't be written"):
        write_files(FOUND, tiny(), tmp_path / "file")


@pytest.mark.parametrize("name", ["verify.json", "verify.html", "mask.png"])
def test_a_file_of_the_user_stays_and_so_does_every_other(tmp_path, name):
    write_files(FOUND, tiny(), tmp_path)
    (tmp_path / name).write_text("my own")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(JepaError, match=rf"{name}: exists and is none that jepa-run wrote"):
        write_files(FOUND, tiny(), tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
