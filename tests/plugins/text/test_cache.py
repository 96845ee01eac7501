from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jepa_core.errors import DataError
from jepa_plugins.text import cache
from jepa_plugins.text.cache import cache_folder, cached, key_of


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("JEPA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "text"


def read(folder: Path) -> str | None:
    return (folder / "it").read_text() if (folder / "it").is_file() else None


def write(folder: Path) -> None:
    (folder / "it").write_text("made")


def fail(folder: Path) -> None:
    write(folder)
    raise DataError("line 3")


def never(folder: Path) -> None:
    raise AssertionError("made again")


def test_where_it_is(folder, monkeypatch):
    assert cache_folder() == folder
    monkeypatch.delenv("JEPA_CACHE")
    monkeypatch.setenv("HOME", "/somewhere")
    assert cache_folder() == Path("/somewhere/.cache/jepa-core/text")


def test_it_is_made_once(folder):
    assert cached("k", write, read) == "made"
    assert cached("k", never, read) == "made"
    assert [path.name for path in folder.iterdir()] == ["k"]


def test_nothing_is_left_of_a_failure(folder):
    with pytest.raises(DataError, match="line 3"):
        cached("k", fail, read)
    assert list(folder.iterdir()) == []
    assert cached("k", write, read) == "made"


def test_something_broken_is_made_again(folder):
    (folder / "k").mkdir(parents=True)
    (folder / "k" / "half").touch()
    assert cached("k", write, read) == "made"
    assert [path.name for path in (folder / "k").iterdir()] == ["it"]


def test_several_at_once_make_it_once(folder):
    made = []

    def slowly(draft: Path) -> None:
        made.append(draft)
        time.sleep(0.05)
        write(draft)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: cached("k", slowly, read), range(4)))
    assert found == ["made"] * 4
    assert len(made) == 1
    assert [path.name for path in folder.iterdir()] == ["k"]


def test_drafts_of_the_killed_are_removed(folder):
    for name, age in ((".old.x.part", 2 * cache.ABANDONED), (".new.x.part", 0)):
        (folder / name).mkdir(parents=True)
        os.utime(folder / name, (time.time() - age,) * 2)
    cached("k", write, read)
    assert sorted(path.name for path in folder.iterdir()) == [".new.x.part", "k"]


def test_a_place_that_takes_nothing(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("JEPA_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match=r"can't be written: Not a directory; JEPA_CACHE names another folder for it$"):
        cached("k", write, read)


def test_keys():
    assert key_of(1, {"a": [2]}) == key_of(1, {"a": [2]})
    assert len({key_of(1), key_of("1"), key_of([1]), key_of(1, 1)}) == 4
