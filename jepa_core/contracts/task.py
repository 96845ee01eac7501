"""The clauses on what a dataset returns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from jepa_core.contracts.broken import Broken
from jepa_core.errors import DataError, JepaError, brief
from jepa_core.samples.batches import check_batch
from jepa_core.samples.sample_set import TaskData
from jepa_core.samples.samples import IGNORE
from jepa_core.samples.token_names import TokenNames

#: Samples of each group that are looked at.
FEW = 2
_NAME = re.compile(r"\w[\w.-]*")
_FUNCTIONS = ("candidates", "right", "asked", "ask", "longest_answer", "read", "reread")


def check_task(data: Any, predictors: int) -> None:
    """Raises Broken where this is no task, or names, sets or their first samples can't be right.

    predictors: how many different predictor tokens the recipe asks for.
    """
    if not isinstance(data, TaskData):
        raise Broken(f"it returns {type(data).__name__}, not TaskData")
    check_names(data)
    if len(data.vocabulary.pred_ids) != predictors:
        raise Broken(
            f"its vocabulary has {len(data.vocabulary.pred_ids)} predictor tokens, and the recipe asks for "
            f"{predictors}: vocabulary.with_predictors(context.k, context.distinct_pred) adds them"
        )
    sets = {"the training set": data.train, **{f"set '{name}'": each for name, each in data.evaluation.items()}}
    for name, each in sets.items():
        _check_named(name, each, data)
    if not len(data.train):
        raise Broken("the training set is empty")


def _check_named(name: str, data_set: Any, data: TaskData) -> None:
    try:
        _check_set(data_set, data)
    except (Broken, DataError) as error:
        raise Broken(f"{name}: {error}") from error
    except JepaError:
        raise
    except (Exception, SystemExit) as error:
        raise Broken(f"{name}: fails: {brief(error)}") from error


def check_names(data: TaskData) -> None:
    """Raises Broken where a field of the task is of another type than the core expects."""
    for field, fits, words in _fields(data):
        if not fits:
            raise Broken(f"{field} = {str(getattr(data, field))[:60]}: expected {words}")


def _fields(data: TaskData) -> Iterator[tuple[str, bool, str]]:
    sets, files = data.evaluation, data.tokenizer_files
    yield "evaluation", isinstance(sets, Mapping) and all(map(_is_name, sets)), "sets by name, of letters and digits"
    yield "vocabulary", _is_vocabulary(data.vocabulary), "TokenNames, with ids from 0 on"
    for field in ("tags", "groups"):
        names = getattr(data, field)
        yield field, _is_texts(names) and len(set(names)) == len(names), "names, each of them once"
    yield "notes", _is_texts(data.notes), "a list of sentences"
    yield "captions", isinstance(data.captions, Mapping), "hints by name"
    yield "checks", isinstance(data.checks, Mapping) and all(map(callable, data.checks.values())), "functions by name"
    yield "tokenizer_files", isinstance(files, Mapping) and all(map(_is_file, files.items())), "contents by file name"
    for field in _FUNCTIONS:
        value = getattr(data, field)
        yield field, value is None or callable(value), "a function, or None"


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _is_texts(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str) and all(isinstance(each, str) for each in value)


def _is_file(entry: tuple[object, object]) -> bool:
    """Tells whether this may lie beside a model; what is the model's own is not written over."""
    name, content = entry
    own = isinstance(name, str) and (name.endswith(".safetensors") or name in ("config.json", "generation_config.json"))
    return _is_name(name) and not own and isinstance(content, str | bytes)


def _is_vocabulary(value: Any) -> bool:
    if not isinstance(value, TokenNames) or not isinstance(value.token_to_id, dict) or not value.token_to_id:
        return False
    if not all(type(i) is int and i >= 0 for i in value.token_to_id.values()):
        return False
    return all(type(i) is int and 0 <= i < value.size for i in (value.pad_id, *value.pred_ids))


def _check_set(data_set: Any, data: TaskData) -> None:
    longest, sizes = data_set.max_length, data_set.group_sizes
    if not isinstance(longest, int) or longest < 0:
        raise Broken(f"max_length = {longest!r}: expected a number of tokens")
    if not isinstance(sizes, Mapping) or sum(sizes.values()) != len(data_set):
        raise Broken(f"group_sizes = {str(sizes)[:60]}: expected group -> count, {len(data_set)} samples in all")
    if unknown := [name for name in sizes if name not in data.groups]:
        raise Broken(f"group_sizes has '{unknown[0]}', and the groups are {', '.join(data.groups)}")
    rows = [data_set.first_rows(name, FEW) for name in sizes]
    for name, found in zip(sizes, rows, strict=True):
        if len(found) != min(FEW, sizes[name]):
            raise Broken(f"first_rows('{name}', {FEW}) gives {len(found)} of {sizes[name]} samples")
    if sum(map(len, rows)):
        _check_batch(data_set.__getitems__(torch.cat(rows).sort().values.tolist()), longest, data)


def _check_batch(batch: Any, longest: int, data: TaskData) -> None:
    if isinstance(batch, Mapping) and (others := [key for key, each in batch.items() if not isinstance(each, Tensor)]):
        raise Broken(f"the batch's {others[0]} is a {type(batch[others[0]]).__name__}, not a tensor")
    check_batch(batch, data.vocabulary.size, data.groups, tags=len(data.tags) if data.tags else None)
    if (found := int((batch["tags"] != 0).sum(dim=1).max())) > longest:
        raise Broken(f"max_length is {longest}, and a sample has {found} tokens")
    if (batch["labels"] != batch["input_ids"])[batch["labels"] != IGNORE].any():
        raise Broken("a label is not the token it stands at; labels are not shifted")
