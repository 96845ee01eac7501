"""Words on a folder that holds no finished run."""

from __future__ import annotations

from pathlib import Path

import pytest

from jepa_core.errors import JepaError
from jepa_core.folder.elsewhere import elsewhere, refuse_unfinished
from jepa_core.folder.run_folder import RunFolder


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def begun(name: str) -> RunFolder:
    Path(name).mkdir(parents=True)
    folder = RunFolder(Path(name))
    folder.recipe.write_text("seed: 1")
    return folder


def test_a_run_by_a_name_like_it():
    begun("runs/cosine_k1")
    begun("runs/other")
    Path("runs/cosine_k0").mkdir()
    assert elsewhere(Path("runs/cosin_k0")) == "; did you mean 'runs/cosine_k1'?"
    assert elsewhere(Path("runs/zzz")) == ""
    assert elsewhere(Path("gone/cosine_k1")) == ""


def test_the_runs_inside():
    for name in "ab":
        begun(f"runs/{name}")
    assert elsewhere(Path("runs")) == "; it holds the runs runs/a, runs/b"
    for name in "cdef":
        begun(f"runs/{name}")
    assert elsewhere(Path("runs")) == "; it holds the runs runs/a, runs/b, runs/c, runs/d and 2 more"


def test_an_interrupted_run_goes_on():
    folder = begun("runs/a")
    with pytest.raises(JepaError, match=r"^runs/a: no finished run there; it was interrupted: the command that began"):
        refuse_unfinished(folder)
    folder.metrics.write_text("{}")
    refuse_unfinished(folder)
