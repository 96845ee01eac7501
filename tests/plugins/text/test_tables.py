from __future__ import annotations

import sys

import datasets
import pytest
from huggingface_hub import HfApi, constants

from jepa_core.errors import DataError
from jepa_plugins.text.tables import Parquet, Table

ROWS = [{"prompt": f"p{i}", "completion": "c"} for i in range(3)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    datasets.disable_progress_bars()
    folder = tmp_path_factory.mktemp("tables")
    table = datasets.Dataset.from_list(ROWS)
    table.save_to_disk(folder / "one")
    datasets.DatasetDict({"train": table, "test": table.select([2])}).save_to_disk(folder / "two")
    table.to_parquet(folder / "it.parquet")
    (folder / "empty").mkdir()
    (folder / "no.parquet").write_text("no")
    return folder


def test_a_parquet_file(folder):
    table = Parquet(folder / "it.parquet")
    assert list(table) == list(enumerate(ROWS, start=1))
    assert table.where(3) == f"{folder / 'it.parquet'}: row 3"
    assert len(table.digest()) == 64


def test_a_folder_of_the_library(folder):
    assert list(Table(str(folder / "one"), "anything")) == list(enumerate(ROWS, start=1))
    test = Table(str(folder / "two"), "test")
    assert list(test) == [(1, ROWS[2])]
    assert test.where(1) == f"{folder / 'two'} (test): row 1"
    assert test.digest() != Table(str(folder / "two"), "train").digest()


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (lambda f: Parquet(f / "no.parquet"), "no.parquet: expected a parquet file: "),
        (lambda f: Parquet(f / "none.parquet"), "none.parquet: expected a parquet file: "),
        (lambda f: Table(str(f / "empty"), "train"), "empty: expected a table of the datasets library: "),
        (
            lambda f: Table(str(f / "two"), "tset"),
            "two: expected a part 'tset', there is train, test; did you mean 'test'?",
        ),
    ],
)
def test_what_is_no_table(folder, table, words):
    with pytest.raises(DataError) as error:
        list(table(folder))
    assert words in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("table", [lambda f: Parquet(f / "it.parquet"), lambda f: Table(str(f / "one"), "train")])
def test_without_the_library_it_is_said_how_to_get_it(folder, table, monkeypatch):
    for name in ("datasets", "pyarrow", "pyarrow.parquet"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(DataError, match=r"reading it needs (datasets|pyarrow): pip install 'jepa-core\[text\]'$"):
        list(table(folder))


class TestHub:
    def test_an_id_with_its_configuration(self, monkeypatch):
        asked = []

        def load(name, config, split, **options):
            asked.append((name, config, split))
            return datasets.Dataset.from_list(ROWS)

        monkeypatch.setattr(datasets, "load_dataset", load)
        assert len(list(Table("org/set:main", "train"))) == len(list(Table("org/set", "test"))) == 3
        assert asked == [("org/set", "main", "train"), ("org/set", None, "test")]

    def test_what_is_here_is_looked_for_without_the_network(self, monkeypatch):
        """Else the library asks the Hub again and again, for most of a minute where there is none."""
        offline = []

        def load(name, config, split):
            offline.append((constants.HF_HUB_OFFLINE, datasets.config.HF_HUB_OFFLINE))
            if len(offline) == 1:
                raise ConnectionError("not here")
            return datasets.Dataset.from_list(ROWS)

        for module in (constants, datasets.config):
            monkeypatch.setattr(module, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(HfApi, "repo_info", lambda self, name, **options: None)
        monkeypatch.setattr(datasets, "load_dataset", load)
        assert len(list(Table("org/set", "train"))) == 3
        assert offline == [(True, True), (False, False)]

    def test_one_that_can_not_be_reached_is_told_at_once(self, monkeypatch):
        def refuse(self, name, repo_type, timeout):
            raise OSError("Name or service not known")

        monkeypatch.setattr(HfApi, "repo_info", refuse)
        with pytest.raises(DataError) as error:
            list(Table("no-such-org/none", "train"))
        assert str(error.value).startswith(
            "data set no-such-org/none: no such folder, not downloaded yet, and no way to"
        )
