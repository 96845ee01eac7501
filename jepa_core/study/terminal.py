"""A study's tables on the terminal."""

from __future__ import annotations

from jepa_core.display.terminal import print_table, say
from jepa_core.study.results import StudyResult
from jepa_core.study.tables import notes, tables


def show_study(result: StudyResult) -> None:
    for table in tables(result):
        say(table.title)
        print_table(table.columns, table.rows)
    for note in notes(result):
        say(note)
