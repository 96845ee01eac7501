"""``reversal_curse``: facts about made-up entities, some of them trained in one direction only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from jepa_core import ComponentError, DataError, DataPath, DatasetContext, hookimpl
from jepa_plugins.facts.added import Rule, with_added
from jepa_plugins.facts.folder import SPLITS, read_folder
from jepa_plugins.facts.foreign_ids import refuse_foreign_ids
from jepa_plugins.facts.generate import generate_task
from jepa_plugins.facts.held_out import HeldOut, keep_half
from jepa_plugins.facts.store import read_packed
from jepa_plugins.facts.store_manifest import is_packed
from jepa_plugins.facts.task import FactTask
from jepa_plugins.facts.task_size import TaskSize


def reversal_curse(
    context: DatasetContext,
    path: DataPath | None = None,
    relations: DataPath | None = None,
    seed: int | None = None,
    entities_both_ways: int = TaskSize.entities_both_ways,
    entities_one_way: int = TaskSize.entities_one_way,
    relation_pairs: int = TaskSize.relation_pairs,
    name_multiplicity: int | None = TaskSize.name_multiplicity,
    evaluation_samples: int = TaskSize.evaluation_samples,
    name_tokens: int = TaskSize.name_tokens,
    partners: int = TaskSize.partners,
    held_out: HeldOut = "all",
    added: Rule | None = None,
) -> FactTask:
    """Facts about made-up entities (Wang and Sun 2025, arXiv 2504.01928), read from a folder or generated.

    path: a folder with train.json, valid.json and vocab.json, or a packed one (``jepa-run data pack``), which
    stays on disk; null generates the task in memory from the other options, and with a path they must be
    left out. relations: with a path to files that are not packed, a YAML file of ``inverse_pairs`` and
    ``symmetric`` relations; null goes by the names ``<x>`` and ``<x_inv>``, or else takes neighbouring ids for
    a pair. seed: null takes the recipe's. held_out: the test facts kept, all or one of two fixed halves, ``tune`` to
    choose settings by and ``report`` to report. The other options are sizes, see
    :class:`jepa_plugins.facts.task_size.TaskSize`.
    """
    size: dict[str, Any] = {
        "entities_both_ways": entities_both_ways,
        "entities_one_way": entities_one_way,
        "relation_pairs": relation_pairs,
        "name_multiplicity": name_multiplicity,
        "evaluation_samples": evaluation_samples,
        "name_tokens": name_tokens,
        "partners": partners,
    }
    if path is None:
        if relations is not None:
            raise DataError("relations: has no effect on generated data: leave out")
        task = _generated(size, context.seed if seed is None else seed)
        refuse_foreign_ids(context, task.vocabulary, "data.path, a folder of facts in its token ids")
    else:
        _refuse_generation_options(path, {"seed": seed, **size})
        task = _read(context.find(path), None if relations is None else context.find(relations))
    task = replace(task, vocabulary=task.vocabulary.with_predictors(context.k, context.distinct_pred))
    task = keep_half(task, held_out)
    return task if added is None else with_added(task, added)


def _generated(size: dict[str, Any], seed: int) -> FactTask:
    """Generates the task in memory. Raises ComponentError naming a wrong option."""
    try:
        chosen = TaskSize(**size)
        chosen.refuse_in_memory()
        return generate_task(chosen, seed)
    except DataError as error:
        raise ComponentError(str(error)) from error


def _read(folder: Path, relations: Path | None) -> FactTask:
    if not is_packed(folder):
        return read_folder(folder, relations)
    if relations is not None:
        raise DataError(f"relations: has no effect on '{folder}', a packed task, which knows its inverses: leave out")
    return read_packed(folder)


def _refuse_generation_options(path: str, options: Mapping[str, int | None]) -> None:
    """Raises DataError for a size or seed beside a path; defaults pass, as a resolved recipe has every option."""
    defaults = {"seed": None, **asdict(TaskSize())}
    if given := [name for name, value in options.items() if value != defaults[name]]:
        raise DataError(
            f"{', '.join(given)}: {'has' if len(given) == 1 else 'have'} no effect on data read from "
            f"'{path}': leave out, or leave out the path to generate the data"
        )


reversal_curse.splits = SPLITS  # type: ignore[attr-defined]


@hookimpl
def jepa_datasets() -> Mapping[str, object]:
    return {"reversal_curse": reversal_curse}
