"""``sql_execution``: whether the answer's query finds the same in the database as the expected one."""

from __future__ import annotations

import re
from pathlib import Path

from jepa_core.errors import DataError
from jepa_plugins.text.scoring.judgement import Judgement, unjudged
from jepa_plugins.text.scoring.limited import LimitedProcess, LimitError


class SqlExecution:
    """Runs both queries on a read-only copy of an SQLite database, in a process with a time limit.

    databases: a database file, or a folder of them: ``NAME.sqlite`` or, as in Spider, ``NAME/NAME.sqlite``.
    database_pattern: a regular expression whose first group is the name, found in the prompt.
    """

    def __init__(self, databases: str, database_pattern: str = r"db_id:\s*\[(.+?)\]", seconds: float = 5.0):
        self.databases = Path(databases)
        if not self.databases.exists():
            raise DataError(f"{databases}: no such database, and no folder of databases")
        self.pattern = re.compile(database_pattern)
        if not self.pattern.groups:
            raise ValueError(f"database_pattern needs a group that is the name, as in 'db: (.+)': {database_pattern}")
        self._process = LimitedProcess(seconds)

    def __call__(self, answer: str, expected: str, prompt: str) -> Judgement:
        found = self.database(prompt)
        if isinstance(found, Judgement):
            return found
        try:
            return Judgement(**self._process.call("sql", str(found), answer.strip(), expected.strip()))
        except LimitError as refusal:
            return self._refused(str(found), expected.strip(), str(refusal))

    def database(self, prompt: str) -> Path | Judgement:
        """The database file that a prompt names, or the verdict that there is none."""
        if self.databases.is_file():
            return self.databases
        match = self.pattern.search(prompt)
        if not match or Path(match[1]).name != match[1]:  # a name, no way out of the folder
            return unjudged("the prompt names no database")
        places = [self.databases / f"{match[1]}.sqlite", self.databases / match[1] / f"{match[1]}.sqlite"]
        return next((place for place in places if place.is_file()), unjudged(f"no database {places[0]}"))

    def _refused(self, database: str, expected: str, why: str) -> Judgement:
        """Tells which query was refused: an expected one that can be run agrees with itself."""
        try:
            self._process.call("sql", database, expected, expected)
        except LimitError as refusal:
            return unjudged(str(refusal))
        return Judgement(False, why)
