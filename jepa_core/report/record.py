"""Reading a run's folder without building anything."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jepa_core.errors import JepaError, RecipeError
from jepa_core.folder.elsewhere import elsewhere
from jepa_core.folder.files import finite_number, read_bytes
from jepa_core.folder.run_folder import RunFolder
from jepa_core.recipe.resolve import differences, in_line
from jepa_core.recipe.strict_yaml import parse_yaml
from jepa_core.report.log import Log, read_log


@dataclass(frozen=True)
class Record:
    """name: tells the run from the others reported; recipe: the resolved one as plain data; text: as YAML;
    made_with: its ``resolved`` section; metrics: None for a run that is not finished."""

    folder: RunFolder
    name: str
    recipe: dict[str, Any]
    text: str
    made_with: dict[str, Any]
    log: Log
    metrics: dict[str, dict[str, Any]] | None

    @property
    def splits(self) -> list[str]:
        return list(self.recipe["evaluation"]["splits"] or self.made_with.get("sets", ()))

    @property
    def captions(self) -> dict[str, str]:
        """Set -> a sentence that readers of its figures need."""
        return dict(self.made_with.get("captions") or {})

    @property
    def state(self) -> str:
        if self.metrics is not None:
            return "finished"
        planned = self.recipe["training"]["max_steps"]
        return f"unfinished, at step {self.log.step:,}" + (f" of {planned:,}" if planned else "")


def read_records(paths: Sequence[Path]) -> list[Record]:
    """Reads the runs in these folders, each once.

    Raises JepaError for a folder that holds no run, or one whose files are damaged.
    """
    paths = list({path.resolve(): path for path in paths}.values())
    return [_read(RunFolder(path), name) for path, name in zip(paths, short_names(paths), strict=True)]


def short_names(paths: Sequence[Path]) -> list[str]:
    """The last parts of each path, as many as it takes to tell them apart."""
    parts = [path.resolve().parts for path in paths]
    longest = max(map(len, parts), default=1)
    for count in range(1, longest):
        names = ["/".join(part[-count:]) for part in parts]
        if len(set(names)) == len(names):
            return names
    return [str(path) for path in paths]


def differing(records: Sequence[Record]) -> dict[str, list[str]]:
    """Dotted key -> its value in each run, for the keys in which the recipes differ."""
    first, *others = (record.recipe for record in records)
    keys = dict.fromkeys(key for other in others for key in differences(first, other))
    return {key: [_value(record.recipe, key) for record in records] for key in keys}


def _read(folder: RunFolder, name: str) -> Record:
    if not folder.started:
        what = "holds no run (there is no recipe.resolved.yaml)" if folder.path.is_dir() else "no such folder"
        raise JepaError(f"{folder.path}: {what}{elsewhere(folder.path)}")
    folder.refuse_leading_out(*folder.files)
    text = read_bytes(folder.recipe)
    recipe = parse_yaml(text, str(folder.recipe))
    if recipe.problems:
        raise RecipeError(recipe.problems)
    made_with = _checked(folder, recipe.data)
    metrics = _metrics(folder) if folder.finished else None
    return Record(folder, name, recipe.data, text.decode("utf-8-sig"), made_with, read_log(folder.log), metrics)


def _checked(folder: RunFolder, recipe: Any) -> dict[str, Any]:
    """Takes the section ``resolved`` out of a run's recipe. Raises JepaError where a value that a report reads is
    missing, or not of the kind that runs write."""
    try:
        made_with = recipe.pop("resolved")
        kinds = {
            "evaluation.splits": _all(str, recipe["evaluation"]["splits"] or ()),
            "training.max_steps": isinstance(recipe["training"]["max_steps"], int | None),
            "description": isinstance(recipe.get("description"), str | None),
            "resolved.versions": _all(str, made_with["versions"].values()),
            "resolved.plugins": _all(str, made_with["plugins"].values()),
            "resolved.git_revision": isinstance(made_with.get("git_revision"), str | None),
            "resolved.sets": _all(str, made_with.get("sets") or ()),
            "resolved.captions": _all(str, (made_with.get("captions") or {}).values()),
        }
    except (AttributeError, KeyError, TypeError) as error:
        raise JepaError(f"{folder.recipe}: not the resolved recipe of a run ({error})") from error
    for key, right in kinds.items():
        if not right:
            raise JepaError(f"{folder.recipe}: {key}: not what a run writes")
    return made_with


def _all(kind: type, values: Iterable[Any]) -> bool:
    return not isinstance(values, str) and all(isinstance(value, kind) for value in values)


def _metrics(folder: RunFolder) -> dict[str, dict[str, Any]]:
    """Reads the final metrics. Raises JepaError where those of layers are not figures."""
    metrics = folder.read_metrics()
    for split, figures in metrics.items():
        if not _are_layers(figures.get("layers", {})):
            raise JepaError(f"{folder.metrics}: {split}.layers: not what a run writes")
    return metrics


def _are_layers(found: object) -> bool:
    """Tells whether `found` maps the number of a layer to name -> figure or None."""
    if not isinstance(found, dict) or not all(isinstance(of, dict) for of in found.values()):
        return False
    values = [value for of in found.values() for value in of.values()]
    return all(map(str.isdecimal, found)) and all(v is None or finite_number(v) is not None for v in values)


def _value(recipe: Any, key: str) -> str:
    """The value at a dotted key, as text."""
    for part in key.split("."):
        try:
            recipe = recipe[int(part) if isinstance(recipe, list) else part]
        except (KeyError, IndexError, TypeError, ValueError):
            return "–"
    return recipe if isinstance(recipe, str) else in_line(recipe)
