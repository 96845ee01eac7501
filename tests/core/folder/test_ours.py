"""Files of jepa-run's are written over; those of a user, under whatever name, are not."""

from __future__ import annotations

import json
import os

import pytest
from matplotlib.figure import Figure

from jepa_core.display.drawing import write_picture
from jepa_core.display.html import page, write_page
from jepa_core.errors import JepaError
from jepa_core.folder.ours import TABLE, refuse_foreign, write_own, write_own_json


def write_all(folder) -> list[str]:
    write_page(folder / "a.html", page("x", "y" * 9999))
    write_own_json(folder / "a.json", {"x": ["y" * 9999]})
    write_own(folder / "a.md", f"{TABLE}\n\n{'y' * 9999}".encode())
    for kind in ("png", "svg"):
        write_picture(Figure(), folder / f"a.{kind}", 72)
    return sorted(path.name for path in folder.iterdir())


def test_each_kind_of_ours_is_known_again(tmp_path):
    assert write_all(tmp_path) == ["a.html", "a.json", "a.md", "a.png", "a.svg"]
    refuse_foreign(*tmp_path.iterdir(), tmp_path / "not there")
    assert write_all(tmp_path) == ["a.html", "a.json", "a.md", "a.png", "a.svg"]
    assert json.loads((tmp_path / "a.json").read_text())["generator"] == "jepa-core"


@pytest.mark.parametrize("kind", ["html", "json", "md", "png", "svg"])
def test_a_user_s_is_left(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    figure = Figure()
    if kind in ("png", "svg"):
        figure.savefig(path)
    else:
        path.write_text('{"about": "my thesis on jepa-core"}')
    before = path.read_bytes()
    with pytest.raises(JepaError, match=rf"a\.{kind}: exists and is none that jepa-run wrote; move it away"):
        write_all(tmp_path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("what", ["link to mine", "link to nowhere", "folder", "pipe"])
def test_what_is_no_file_is_left_too(tmp_path, what):
    path = tmp_path / "a.json"
    (tmp_path / "mine").write_text("precious")
    if what == "folder":
        path.mkdir()
    elif what == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("mine" if "mine" in what else "nowhere")
    with pytest.raises(JepaError, match=r"a\.json: exists and is none"):
        write_own_json(path, {})
    assert (tmp_path / "mine").read_text() == "precious"
    assert not (tmp_path / "nowhere").exists()


def test_a_link_to_one_of_ours_elsewhere_is_replaced_and_that_one_stays(tmp_path):
    write_own_json(tmp_path / "far.json", {"a": 1})
    before = (tmp_path / "far.json").read_bytes()
    (tmp_path / "a.json").symlink_to("far.json")
    write_own_json(tmp_path / "a.json", {"a": 2})
    assert (tmp_path / "far.json").read_bytes() == before
    assert not (tmp_path / "a.json").is_symlink()


def test_a_user_s_file_under_the_name_of_a_draft_is_left(tmp_path):
    """One of ours, which a killed process left, goes; and of a link only the link."""
    draft, mine = tmp_path / "a.json.part", tmp_path / "mine"
    mine.write_text("precious")
    draft.write_text("precious")
    with pytest.raises(JepaError, match=r"a\.json\.part: exists and is none that jepa-run wrote"):
        write_own_json(tmp_path / "a.json", {})
    assert draft.read_text() == "precious"
    for left in ("", '{\n  "generator": "jepa-core",\n  "ha'):
        draft.write_text(left)
        write_own_json(tmp_path / "a.json", {})
        assert not draft.exists()
    draft.symlink_to("mine")
    write_own_json(tmp_path / "a.json", {})
    assert (draft.exists(), mine.read_text()) == (False, "precious")
