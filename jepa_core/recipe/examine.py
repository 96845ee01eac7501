"""The quick check of a recipe: everything that can be told without running plugins, torch or transformers.

Keys and values, names and options of components, the model's configuration, files that are not there, splits that the
dataset does not have, trackers that are not installed. A build finds the rest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

from jepa_core.components import DatasetTraits
from jepa_core.contexts import OnDisk
from jepa_core.errors import did_you_mean
from jepa_core.recipe.checks import check_refusals, component_refs
from jepa_core.recipe.config_source import causal_types, outlined_problems
from jepa_core.recipe.load import Reading
from jepa_core.recipe.meant import meant
from jepa_core.recipe.model_config import config_problems
from jepa_core.recipe.model_folder import folder_problem, place_of
from jepa_core.recipe.schema import Recipe
from jepa_core.recipe.sources import find_recipe
from jepa_core.recipe.trackers import missing_trackers
from jepa_core.registry import Component, Registry
from jepa_core.registry.module_files import Unread
from jepa_core.registry.options import option_types
from jepa_core.registry.outline import Outline
from jepa_core.registry.places import KeyPath, value_at

_MODEL = OnDisk(or_id=True)


class InDoubt(Exception):
    """The sources of plugins and transformers do not tell enough for a check without running them."""


def examine(source: str | Path, overrides: Sequence[str], registry: Registry) -> Recipe:
    """The recipe, as :func:`~jepa_core.recipe.load.load_recipe` gives it.

    registry: an Outline, or, after an InDoubt, a registry of loaded plugins. Raises RecipeError with every problem,
    by line.
    """
    reading = Reading(find_recipe(source), overrides, registry)
    draft, outlined = reading.draft, isinstance(registry, Outline)
    try:
        reading.check_model(outlined_problems if outlined else config_problems)
    except (Unread, SyntaxError) as error:
        raise InDoubt(f"the source of transformers does not say: {error}") from error
    if not outlined:
        check_refusals(draft, registry)
    for path, words in (
        *_files(draft.data, reading.search, registry),
        *_splits(draft.data, registry),
        *_trackers(draft.data),
    ):
        draft.add(path, words)
    if isinstance(registry, Outline) and registry.doubts:
        raise InDoubt("; ".join(registry.doubts))
    return reading.recipe()


def _files(data: dict[str, Any], search: tuple[Path, ...], registry: Registry) -> Iterator[tuple[KeyPath, str]]:
    """Yields place and words for each path, in an option or of a model, that does not exist."""
    for path, kind, ref in component_refs(data):
        missing = [dict(_missing(component, ref, search)) for component in meant(registry, kind, ref)]
        for place, words in missing[0].items() if missing else ():
            if all(place in others for others in missing):
                yield (*path, *place), words
    for key in ("pretrained", "config"):
        named = value_at(data, ("model", key))
        if isinstance(named, str) and (words := _model_problem(named, search, key == "pretrained")):
            yield ("model", key), words


def _model_problem(name: str, search: tuple[Path, ...], weights: bool) -> str:
    place = place_of(name, search)
    return _MODEL.problem(name, search) if place is None else folder_problem(place, _known_types(), weights)


def _known_types() -> list[str]:
    try:
        return causal_types()
    except Unread:
        from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

        return [*MODEL_FOR_CAUSAL_LM_MAPPING_NAMES]


def _missing(component: Component, ref: object, search: tuple[Path, ...]) -> Iterator[tuple[KeyPath, str]]:
    for name, value in ref.items() if isinstance(ref, dict) else ():
        for place, on_disk, text in marked_paths(option_types(component.factory).get(name), value):
            if words := on_disk.problem(text, search):
                yield (name, *place), words


def marked_paths(annotation: Any, value: Any) -> Iterator[tuple[KeyPath, OnDisk, str]]:
    """Yields place below the option, mark and text of each path in `value`, by the option's type.

    >>> from jepa_core.contexts import DataPath
    >>> [place for place, _, _ in marked_paths(dict[str, DataPath] | None, {"test": "a.jsonl"})]
    [('test',)]
    """
    if get_origin(annotation) is Annotated:
        yield from (((), m, value) for m in annotation.__metadata__ if isinstance(m, OnDisk) and isinstance(value, str))
        yield from marked_paths(get_args(annotation)[0], value)
        return
    inner = get_args(annotation)
    for part in inner if get_origin(annotation) not in (dict, Mapping) else ():
        yield from marked_paths(part, value)
    if get_origin(annotation) in (dict, Mapping) and isinstance(value, dict):
        for key, each in value.items():
            yield from (((key, *place), mark, text) for place, mark, text in marked_paths(inner[1], each))


def _splits(data: dict[str, Any], registry: Registry) -> Iterator[tuple[KeyPath, str]]:
    """Yields each wanted split that the dataset does not declare."""
    wanted = value_at(data, ("evaluation", "splits"))
    for _, kind, ref in component_refs(data):
        if kind == "dataset" and isinstance(wanted, list):
            offers = meant(registry, kind, ref)
            each = [_known_splits(component, ref if isinstance(ref, dict) else {}) for component in offers]
            known = dict.fromkeys(split for splits in each for split in splits or ())
            sure = bool(each) and None not in each
            owner = " or ".join(f"'{component.name}'" for component in offers)
            for number, split in enumerate(wanted if sure else ()):
                if isinstance(split, str) and split not in known:
                    hint = did_you_mean(split, known) or f"; it has {', '.join(known) or 'none'}"
                    yield ("evaluation", "splits", number), f"{owner} has no split '{split}'{hint}"


def _known_splits(component: Component, options: Mapping[str, Any]) -> list[str] | None:
    """The splits that the dataset declares; None where only the data tell."""
    splits = DatasetTraits.of(component.factory).splits
    found: list[str] = []
    for split in splits or ():
        of = options.get(split.removesuffix(".*")) if split.endswith(".*") else [split]
        found += [str(name) for name in of or ()]
    return None if splits is None else found


def _trackers(data: dict[str, Any]) -> Iterator[tuple[KeyPath, str]]:
    names = value_at(data, ("training", "report_to"))
    for number, words in missing_trackers(names if isinstance(names, list) else ()):
        yield ("training", "report_to", number), words
