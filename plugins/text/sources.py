"""Sources of rows, made from the name of a file, a folder or a data set."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from jepa_core import DataError, raise_all
from jepa_core.contexts import DATA_FILES, find_path
from jepa_core.model.hub import HubError, find_or_id
from jepa_plugins.text.conversation import Conversation, conversation
from jepa_plugins.text.made import PREFIX, made
from jepa_plugins.text.reading import JsonLines
from jepa_plugins.text.tables import Parquet, Table

#: Endings of files that people have and that are not read here.
_OTHERS = (".csv", ".tsv", ".xlsx", ".gz", ".zst", ".bz2", ".xz", ".zip", ".arrow", ".yaml", ".yml")


class Source(Protocol):
    """Rows with their numbers, from 1, read anew in each iteration; name: for messages."""

    @property
    def name(self) -> str: ...

    def __iter__(self) -> Iterator[tuple[int, Any]]: ...

    def where(self, row: int, /) -> str:
        """The beginning of a message about a row."""
        ...

    def digest(self) -> str:
        """A key that changes whenever the data does."""
        ...


def source(name: str, split: str, search: tuple[Path, ...]) -> Source:
    """Makes the source of `name`, looked for in the `search` folders: a file of JSON Lines, a parquet file, a folder
    saved by the `datasets` library, an id of the Hugging Face Hub, or ``made:regex``, pairs of the project's own.

    split: the part of a table with several. Raises DataError for any other name.
    """
    if name.startswith(PREFIX):
        return made(name, split)
    if name.endswith(_OTHERS):
        raise DataError(f"{name}: expected JSON Lines (.jsonl) or parquet, unpacked; other files are not read")
    if name.endswith(DATA_FILES):
        path = find_path(name, search)
        if not path.is_file():
            raise DataError(f"{path}: expected a file")
        return Parquet(path) if name.endswith(".parquet") else JsonLines(path)
    bare, _, config = name.partition(":")
    try:
        found = find_or_id(bare, search)
    except HubError as error:
        raise DataError(str(error)) from error
    if Path(found).is_file():
        return JsonLines(Path(found))
    return Table(f"{found}:{config}" if config else found, split)


def conversations(rows: Source, limit: int | None) -> Iterator[Conversation]:
    """Yields the conversations of the first `limit` rows, None for all. Raises DataError naming the lines that are
    none, after the last row."""
    problems: list[str] = []
    count = 0
    for number, row in islice(rows, limit):
        count += 1
        if isinstance(row, DataError):
            problems.append(str(row))
            continue
        try:
            found = conversation(row, rows.where(number), number)
        except DataError as error:
            problems.append(str(error))
        else:
            yield found
    raise_all(problems, count, "rows")
