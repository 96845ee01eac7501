"""The folder of a task: ``train.json``, ``valid.json`` and ``vocab.json``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from jepa_core.data.fact_set import TaskData
from jepa_core.data.inverses import find_inverses, named_relations
from jepa_core.data.json_file import read_json, show
from jepa_core.data.leaks import check_leaks
from jepa_core.data.parse import ItemParser
from jepa_core.data.vocab_file import read_vocab
from jepa_core.data.vocabulary import MASK, PAD, PRED, Vocabulary
from jepa_core.errors import DataError, did_you_mean
from jepa_core.views.facts import Facts, Role

TRAIN, VALID, VOCAB = FILES = ("train.json", "valid.json", "vocab.json")
SPLITS = ("train", "atomic", "test")


def read_folder(folder: Path) -> TaskData:
    """The task in a folder, checked.

    ``train.json`` is a list of facts (see :mod:`jepa_core.data.parse`) of type train or atomic,
    ``valid.json`` has a list for each split, ``vocab.json`` maps token -> id. Raises DataError naming file,
    item and field for whatever is wrong, and for a held-out answer in the training set.
    """
    _check_files(folder)
    tokens = read_vocab(folder / VOCAB)
    train, types = ItemParser(str(folder / TRAIN), tokens, ("train", "atomic"))(read_json(folder / TRAIN))
    if not len(train):
        raise DataError(f"{folder / TRAIN}: expected at least one fact")
    names = {split: f"{folder / VALID}: {split}" for split in SPLITS}
    lists = _read_splits(folder / VALID)
    evaluation = {split: ItemParser(names[split], tokens, (split,))(lists[split])[0] for split in SPLITS}

    parsed = {str(folder / TRAIN): train, **{names[split]: facts for split, facts in evaluation.items()}}
    vocabulary = make_vocabulary(tokens, parsed, str(folder / VOCAB))
    for where, facts in parsed.items():
        check_entities(facts, vocabulary, where)
    task = TaskData.of_facts(vocabulary, train, types, evaluation)
    check_leaks(task, str(folder / TRAIN), names)
    return task


def make_vocabulary(tokens: dict[str, int], parsed: Mapping[str, Facts], where: str) -> Vocabulary:
    """Relations are the tokens at a relation's place, and those whose name has an inverse's beside it."""
    relations = named_relations(tokens)
    for facts in parsed.values():
        relations.update(facts.ids[facts.roles == Role.RELATION].unique().tolist())
    inverses = find_inverses(tokens, relations, where)
    ids = tuple(sorted(inverses))
    return Vocabulary(tokens, ids, tokens[MASK], tokens[PAD], inverse_ids=tuple(inverses[i] for i in ids))


def check_entities(facts: Facts, vocabulary: Vocabulary, where: str) -> None:
    """Raises DataError for an entity with a relation's or predictor's token in it."""
    predictors = [i for name, i in vocabulary.token_to_id.items() if name.startswith(PRED.rstrip(">"))]
    special = torch.tensor([*vocabulary.relation_ids, *predictors])
    wrong = torch.isin(facts.ids, special) & ((facts.roles == Role.HEAD) | (facts.roles == Role.TAIL))
    if wrong.any():
        item, place = (int(i) for i in wrong.nonzero()[0])
        field = "input_text[0]" if facts.roles[item, place] == Role.HEAD else "target_text[0]"
        token = int(facts.ids[item, place])
        raise DataError(
            f"{where}: item {item}: {field}: expected an entity's tokens, not '{vocabulary.name(token)}' ({token})"
        )


def _check_files(folder: Path) -> None:
    expected = f"expected a folder with {', '.join(FILES)}"
    if not folder.is_dir():
        raise DataError(f"{folder}: {expected}" + ("" if folder.exists() else "; there is no such folder"))
    if missing := [name for name in FILES if not (folder / name).is_file()]:
        raise DataError(f"{folder}: {expected}; missing: {', '.join(missing)}")


def _read_splits(path: Path) -> dict[str, Any]:
    data = read_json(path)
    if not isinstance(data, dict):
        raise DataError(f"{path}: expected an object with the splits {', '.join(SPLITS)}, not {show(data)}")
    for split in SPLITS:
        if split not in data:
            raise DataError(f"{path}: split '{split}' is missing{did_you_mean(split, data)}: expected a list of facts")
    for split in data:
        if split not in SPLITS:
            raise DataError(f"{path}: unknown split '{split}': expected {', '.join(SPLITS)}")
    return data
