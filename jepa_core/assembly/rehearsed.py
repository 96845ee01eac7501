"""The two halves of a run with a rehearsal, and the rows between them.

The rows are a file of JSON Lines. Its first line says what they were made of: the hash of the learned weights, the
asker, and what was read and asked; each further line is a row.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import file_digest, sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jepa_core.assembly.assemble import create
from jepa_core.components import Rehearsal, Rehearsed
from jepa_core.errors import JepaError
from jepa_core.folder.files import read_bytes, write_text
from jepa_core.folder.run_folder import RunFolder
from jepa_core.registry import Registry
from jepa_core.samples.sample_set import TaskData

if TYPE_CHECKING:
    from jepa_core.recipe.schema import Recipe

Rows = Sequence[Mapping[str, Any]]


def learning(recipe: Recipe) -> Recipe:
    """The recipe of the first half, in a folder inside the run's: without a rehearsal, or with that of the last round
    of self-training."""
    learned = str(RunFolder(Path(recipe.output_dir)).learned)
    before = None if recipe.rehearsal is None else recipe.rehearsal.before
    return recipe.model_copy(update={"rehearsal": before, "output_dir": learned})


def rehearsing(recipe: Recipe) -> Recipe:
    """The recipe of the second half: objective and training as the rehearsal wants them."""
    changed = {name: recipe.while_rehearsing(name) for name in ("objective", "training")}
    return recipe.model_copy(update=changed)


def asker_of(recipe: Recipe, registry: Registry) -> Rehearsal:
    if recipe.rehearsal is None:
        raise ValueError("the recipe has no rehearsal")
    return create(registry, recipe, "rehearsal.asker", "rehearsal", recipe.rehearsal.asker, None)


def extended(recipe: Recipe, data: TaskData, registry: Registry, rows: Rows) -> TaskData:
    """Adds the rows to the task's training samples.

    Raises RecipeError where the asker breaks its contract, and DataError for rows that are none of this task's.
    """
    made = asker_of(recipe, registry).extend(data, rows)
    if not isinstance(made, TaskData):
        raise recipe.error(
            "rehearsal.asker", f"breaks its contract: extend returns {type(made).__name__}, not TaskData"
        )
    if len(made.train) != len(data.train) + len(rows):
        found = f"{len(made.train) - len(data.train)} training samples of {len(rows)} rows"
        raise recipe.error("rehearsal.asker", f"breaks its contract: extend makes {found}")
    return made


def hash_of(weights: Path) -> str:
    """The sha256 over the tensors' files of a saved model."""
    found = sha256()
    for path in sorted(weights.glob("*.safetensors")):
        found.update(f"{path.name} {path.stat().st_size}\n".encode())
        with open(path, "rb") as file:
            file_digest(file, lambda: found)
    return found.hexdigest()


def write_rows(path: Path, made_of: Mapping[str, Any], found: Rehearsed) -> None:
    """Writes rows and what they were made of, the file whole or not at all."""
    first = {**made_of, "counts": dict(found.counts), "rows": len(found.rows)}
    write_text(path, "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in (first, *found.rows)))


def read_rows(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Reads what rows were made of, and the rows. Raises JepaError for a file that :func:`write_rows` did not write."""
    try:
        first, *rows = [json.loads(line) for line in read_bytes(path).decode("utf-8").splitlines()]
    except (ValueError, RecursionError) as error:
        raise JepaError(f"{path}: not the rehearsed rows of a run: {error}") from error
    if not all(isinstance(line, dict) for line in (first, *rows)) or first.get("rows") != len(rows):
        raise JepaError(f"{path}: not the rehearsed rows of a run, or not all of them")
    return first, rows
