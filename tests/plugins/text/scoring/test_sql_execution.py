"""The scorer: finding the database, and limits."""

from __future__ import annotations

import re
import sqlite3

import pytest

from jepa_core.errors import DataError
from jepa_plugins.text.scoring.sql_execution import SqlExecution

ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) select count(*) from n"


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "pets").mkdir()
    for path, crew in (("pets/pets.sqlite", 3), ("ship.sqlite", 5)):
        with sqlite3.connect(tmp_path / path) as made:
            made.execute(f"create table t as select {crew} as crew")
        made.close()
    return tmp_path


def test_the_prompt_names_the_database(folder):
    score = SqlExecution(str(folder))
    assert score("select 3", "select crew from t", "For db_id:[pets] how many?")
    assert score("select 5", "select crew from t", "For db_id:[ship] how many?")
    assert not score("select 5", "select crew from t", "For db_id:[pets] how many?")


def test_one_database_for_all(folder):
    score = SqlExecution(str(folder / "ship.sqlite"))
    assert score("select crew from t", "select 5", "how many?")


@pytest.mark.parametrize(
    ("prompt", "why"),
    [
        ("how many?", "names no database"),
        ("db_id:[../ship] how many?", "names no database"),
        ("db_id:[cats] how many?", "no database .*cats.sqlite"),
    ],
)
def test_without_a_database_nothing_is_judged(folder, prompt, why):
    found = SqlExecution(str(folder))("select 1", "select 1", prompt)
    assert (found.right, found.judged) == (False, False)
    assert re.search(why, found.why)


def test_a_pattern_of_ones_own(folder):
    score = SqlExecution(str(folder), database_pattern="^in (\\w+):")
    assert score("select 3", "select crew from t", "in pets: how many?")


def test_a_query_without_end_is_wrong_and_an_expected_one_the_datas_fault(folder):
    score = SqlExecution(str(folder / "ship.sqlite"), seconds=0.5)
    found = score(ENDLESS, "select 5", "")
    assert (found.right, found.judged, found.why) == (False, True, "no result within 0.5 s")
    assert not score("select 5", ENDLESS, "").judged
    assert score("select 5", "select crew from t", "")


def test_bad_options(folder):
    with pytest.raises(DataError, match="no such database"):
        SqlExecution(str(folder / "none"))
    with pytest.raises(ValueError, match="needs a group"):
        SqlExecution(str(folder), database_pattern="db")
