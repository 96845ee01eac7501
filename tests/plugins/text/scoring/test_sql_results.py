"""Results of two queries, on four rows worked out by hand."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

import pytest

from jepa_plugins.text.scoring.sql_results import compare_queries, orders, rows


@pytest.fixture
def database(tmp_path):
    path = tmp_path / "ships of 3.sqlite"
    with sqlite3.connect(path) as made:
        made.execute("create table ship (name text, crew integer, tons real)")
        made.executemany("insert into ship values (?, ?, ?)", SHIPS)
    made.close()
    return str(path)


SHIPS = [("Ada", 3, 10.5), ("Bea", 1, 0.1), ("Cid", 2, 0.2), ("Dot", 2, None)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select name from ship", "SELECT name FROM ship;"),
        ("select name from ship order by crew", "select name from ship"),
        ("select name as n from ship where crew = 3", "select name from ship where tons > 10"),
        ("select count(*) from ship", "select 4"),
        ("select sum(tons) from ship where crew < 3", "select 0.30000000000000004"),
        ("select name from ship order by crew desc, name", "select name from ship order by -crew, name"),
        ("select tons from ship where name = 'Dot'", "select null"),
        ("with s as (select * from ship) select crew from s", "select crew from ship"),
        ("select 2.0", "select 2"),
    ],
)
def test_right(database, query, expected):
    assert compare_queries(database, query, expected)


@pytest.mark.parametrize(
    ("query", "expected", "why"),
    [
        ("select name from ship where crew = 2", "select name from ship", "other rows: 2, expected 4"),
        ("select distinct crew from ship", "select crew from ship", "other rows: 3, expected 4"),
        ("select name from ship order by name", "select name from ship order by name desc", "another order"),
        ("select crew, name from ship", "select name, crew from ship", "other rows: 4, expected 4"),
        ("select nam from ship", "select name from ship", "no such column: nam"),
        ("selec name", "select name from ship", "syntax error"),
        ("select name from ship where crew = 9", "select name from ship", "other rows: 0, expected 4"),
        ("", "select name from ship", "not a query"),
        ("-- nothing", "select name from ship", "not a query"),
        ("select 1; select 1", "select 1", "one statement"),
        ("select '1'", "select 1", "other rows"),
    ],
)
def test_wrong(database, query, expected, why):
    found = compare_queries(database, query, expected)
    assert (found.right, found.judged) == (False, True)
    assert why in found.why


def test_finding_nothing_is_not_right_by_itself(database):
    expected = "select name from ship where crew > 9"
    assert compare_queries(database, "SELECT name  FROM ship\nWHERE crew>9;", expected)
    for query in ("select name from ship where crew > 10", "select 1 where 0", "select tons from ship where crew > 9"):
        assert compare_queries(database, query, expected).why == "both find nothing, which says nothing"
    assert not compare_queries(database, "", expected)
    quoted = "select name from ship where name = 'x'"
    assert not compare_queries(database, "select name from ship where name = 'X'", quoted), (
        "case counts inside of quotes"
    )


@pytest.mark.parametrize(
    "query",
    [
        "delete from ship",
        "insert into ship values ('E', 1, 1)",
        "drop table ship",
        "create table t (x)",
        "pragma user_version = 3",
        "attach 'OTHER' as other",
        "vacuum into 'OTHER'",
        "begin",
    ],
)
def test_a_query_may_only_read(database, tmp_path, query):
    before = Path(database).read_bytes()
    found = compare_queries(
        database, query.replace("OTHER", str(tmp_path / "other.sqlite")), "select count(*) from ship"
    )
    assert re.search("not authorized|authorization denied", found.why)
    assert rows(database, "select count(*) from ship") == [(4,)]
    assert Path(database).read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["ships of 3.sqlite"]


def test_a_broken_expected_query_is_the_datas_fault(database, tmp_path):
    assert not compare_queries(database, "select 1", "select oops").judged
    assert not compare_queries(str(tmp_path / "missing.sqlite"), "select 1", "select 1").judged
    assert not (tmp_path / "missing.sqlite").exists()


@pytest.mark.parametrize(
    ("query", "ordered"),
    [
        ("select a from t order by a", True),
        ("select a from t ORDER\nBY a limit 3", True),
        ("select a from (select a from t order by a)", False),
        ("select a, row_number() over (order by b) from t", False),
        ("select a from t where b = ' order by '", False),
        ('select a as "order by" from t', False),
        ("select a from t -- order by a", False),
        ("select a from t /* order by a */ where b = ')' order by a", True),
        ("select a from t where c = 'it''s (' order by a", True),
    ],
)
def test_which_query_orders(query, ordered):
    assert orders(query) is ordered
