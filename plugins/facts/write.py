"""Writing a task as a folder that :func:`jepa_plugins.facts.folder.read_folder` reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jepa_core import DataError
from jepa_plugins.facts.draft import draft_beside
from jepa_plugins.facts.fact_set import FactSet
from jepa_plugins.facts.folder import FILES, TRAIN, VALID, VOCAB
from jepa_plugins.facts.json_file import without_collector
from jepa_plugins.facts.roles import Role, SampleType
from jepa_plugins.facts.task import FactTask


def write_folder(task: FactTask, folder: Path, overwrite: bool = False) -> None:
    """Writes the three files, all or none.

    Raises DataError when one of them is there already and `overwrite` is off, and when writing fails.
    """
    refuse_overwriting(folder, overwrite)
    with draft_beside(folder) as draft:
        with without_collector():
            for name, data in _contents(task).items():
                (draft / name).write_text(json.dumps(data), encoding="utf-8")
        _move(draft, folder)


def refuse_overwriting(folder: Path, overwrite: bool) -> None:
    """Raises DataError when `folder` is a file, or holds a task that must not be overwritten."""
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder}: expected a folder, this is a file")
    there = [name for name in FILES if (folder / name).exists()]
    if there and not overwrite:
        raise DataError(f"{folder}: {', '.join(there)} there already; --overwrite replaces what is there")


def _move(draft: Path, folder: Path) -> None:
    if not folder.exists():
        draft.rename(folder)
        return
    # A folder without its vocabulary does not load, so an interrupted move never leaves a mixture that does.
    (folder / VOCAB).unlink(missing_ok=True)
    for name in FILES:
        (draft / name).replace(folder / name)


def _contents(task: FactTask) -> dict[str, Any]:
    by_id = sorted(task.vocabulary.token_to_id.items(), key=lambda entry: entry[1])
    return {
        TRAIN: items(task.train),
        VALID: {split: items(facts) for split, facts in task.evaluation.items()},
        VOCAB: dict(by_id),
    }


def items(facts: FactSet) -> list[dict[str, Any]]:
    """The facts as JSON items, with the fields that :mod:`jepa_plugins.facts.parse` reads."""
    names = {int(kind): kind.name.lower() for kind in SampleType}
    heads = (facts.tags == Role.HEAD).sum(dim=1).tolist()
    ends = (facts.tags != Role.PAD).sum(dim=1).tolist()
    rows = zip(facts.ids.tolist(), heads, ends, facts.sample_type.tolist(), strict=True)
    return [
        {
            "input_text": [row[:head], row[head : head + 1], row[head + 1 : head + 2]],
            "target_text": [row[head + 2 : end]],
            "type": names[kind],
        }
        for row, head, end, kind in rows
    ]
