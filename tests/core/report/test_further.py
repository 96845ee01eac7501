"""Tables of evaluations: one that fails is shown as such, and takes no figure with it."""

from __future__ import annotations

import pytest

from jepa_core.registry import Registry
from jepa_core.report.console import show_metrics
from jepa_core.report.further import further_tables

PLUGIN = """
import jepa_core

def mine(context):
    return None

mine.prefix = {prefix}
mine.table = {table}
mine.examples = {examples}

@jepa_core.hookimpl
def jepa_evaluations():
    return {{"mine": mine}}
"""
GOOD = "lambda metrics: (['mine', 'test'], [['a', '1']])"
METRICS = {"test": {"mine_a": 1.0, "mrr": 0.5}}


def registry_of(folder, prefix="'mine_'", table=GOOD, examples="lambda metrics, each: None") -> Registry:
    (folder / "mine.py").write_text(PLUGIN.format(prefix=prefix, table=table, examples=examples))
    registry = Registry()
    registry.add_file(folder / "mine.py")
    return registry


def test_a_table_of_its_own(tmp_path):
    [further] = further_tables(registry_of(tmp_path))
    assert further.prefix == "mine_"
    assert further.table(METRICS) == (["mine", "test"], [["a", "1"]])
    assert further.examples(METRICS, 2) is None


@pytest.mark.parametrize("prefix", ["5", "None", "''"])
def test_without_a_prefix_figures_stay_in_the_common_table(tmp_path, prefix):
    """An empty one would take all figures out of it."""
    assert further_tables(registry_of(tmp_path, prefix=prefix)) == []


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("lambda metrics: metrics['valid']", "their table fails: KeyError: 'valid'"),
        ("lambda: None", "their table fails: TypeError"),
        ("5", "their table fails: TypeError"),
        ("lambda metrics: 3", "their table is none"),
        ("lambda metrics: (['a'], [[1]])", "their table is none"),
        ("lambda metrics: (['a', 'b'], [['1']])", "their table is none"),
        ("lambda metrics: ([], [])", "their table is none"),
    ],
)
def test_a_table_that_fails_is_shown_as_such(tmp_path, capsys, table, words):
    registry = registry_of(tmp_path, table=table, examples=table)
    [further] = further_tables(registry)
    columns, rows = further.table(METRICS)
    assert columns == ["figures of 'mine'"]
    assert rows[0][0].startswith(words)
    show_metrics(METRICS, registry, {})
    told = capsys.readouterr().out
    assert words in " ".join(told.split())
    assert "mrr" in told
