"""Contexts: the part of a run that its components and datasets may know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from jepa_core.errors import DataError
from jepa_core.paths import at_home

if TYPE_CHECKING:
    from jepa_core.samples.token_names import TokenNames


@dataclass(frozen=True)
class OnDisk:
    """Marks an option that names a file or a folder, looked for as ``context.find`` does; so a recipe can be checked
    before anything is read.

    or_id: whether anything that could be an id of the Hugging Face Hub will do; besides: words that are no path.
    """

    or_id: bool = False
    besides: tuple[str, ...] = ()

    def problem(self, value: str, search: tuple[Path, ...]) -> str:
        """Says why `value` is not such a path; an empty string where it is one.

        >>> OnDisk(or_id=True).problem("org/name", (Path("."),))
        ''
        """
        if value in self.besides or (self.or_id and _ID.fullmatch(value) and not value.endswith(DATA_FILES)):
            return ""
        try:
            find_path(value, search)
        except DataError as error:
            return str(error)
        return ""


#: Options of these types are paths.
DataPath = Annotated[str, OnDisk()]
DataPathOrId = Annotated[str, OnDisk(or_id=True)]
_ID = re.compile(r"\w[\w.-]*(/\w[\w.-]*)?(:[\w.-]+)?")
#: Endings of files of data, which no id of the Hub has.
DATA_FILES = (".json", ".jsonl", ".ndjson", ".parquet", ".txt", ".csv")


@dataclass(frozen=True)
class BuildContext:
    """The part of a run that its components may know.

    vocabulary: names of tokens; tags: names of the tags 1, 2, …; groups: names of the group numbers 0, 1, …; width: d;
    num_layers: transformer blocks; k: predictor tokens a sample; search: folders for data files; tokenizer_files: file
    name -> content of the dataset's tokenizer, empty where it has none.
    """

    vocabulary: TokenNames
    width: int
    num_layers: int
    k: int = 0
    seed: int = 0
    search: tuple[Path, ...] = (Path(),)
    tags: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    tokenizer_files: Mapping[str, str | bytes] = field(default_factory=dict)

    def find(self, path: str) -> Path:
        return find_path(path, self.search)


@dataclass(frozen=True)
class DatasetContext:
    """The part of a run that a dataset may know: seed, predictor tokens, pretrained model, and folders for files."""

    seed: int = 0
    k: int = 0
    distinct_pred: bool = False
    search: tuple[Path, ...] = (Path(),)
    pretrained: str | None = None

    def find(self, path: str) -> Path:
        return find_path(path, self.search)


def find_path(path: str, search: tuple[Path, ...]) -> Path:
    """Finds `path` in the first of the `search` folders that has it.

    Raises DataError naming every place looked at.
    """
    places = [folder / at_home(path) for folder in search]
    for place in places:
        if place.exists():
            return place
    raise DataError(f"{path}: not found (looked for {', '.join(map(str, dict.fromkeys(places)))})")
