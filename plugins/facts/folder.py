"""The folder of a task: ``train.json``, ``valid.json`` and ``vocab.json``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from jepa_core import DataError, did_you_mean, show
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.inverses import find_inverses, named_relations, stated_inverses
from jepa_plugins.facts.json_file import read_json
from jepa_plugins.facts.leaks import check_leaks
from jepa_plugins.facts.parse import ItemParser
from jepa_plugins.facts.relations import read_relations
from jepa_plugins.facts.roles import Role
from jepa_plugins.facts.task import FactTask, task_of_facts
from jepa_plugins.facts.vocab_file import read_vocab
from jepa_plugins.facts.vocabulary import MASK, PAD, PRED, Vocabulary

TRAIN, VALID, VOCAB = FILES = ("train.json", "valid.json", "vocab.json")
SPLITS = ("train", "atomic", "test")


def read_folder(folder: Path, relations: Path | None = None) -> FactTask:
    """Reads and checks the task in a folder.

    ``train.json`` is a list of facts (see :mod:`jepa_plugins.facts.parse`) of type train or atomic,
    ``valid.json`` has a list for each split, ``vocab.json`` maps token -> id. relations: a file of inverse
    relations; without one names or ids tell (see :mod:`jepa_plugins.facts.inverses`). Raises
    DataError naming file, item (from 0) and field for whatever is wrong, and for a held-out answer in the
    training set.
    """
    check_files(folder)
    tokens = read_vocab(folder / VOCAB)
    names = {split: f"{folder / VALID}: {split}" for split in SPLITS}
    items, lists = read_json(folder / TRAIN), read_splits(folder / VALID)
    wanted: list[tuple[str, Sequence[str], Any]] = [(str(folder / TRAIN), ("train", "atomic"), items)]
    wanted += [(names[split], (split,), lists[split]) for split in SPLITS]
    (train, types), *others = _parsed(tokens, wanted)
    if not len(train):
        raise DataError(f"{folder / TRAIN}: expected at least one fact")
    evaluation = {split: facts for split, (facts, _) in zip(SPLITS, others, strict=True)}

    parsed = {str(folder / TRAIN): train, **{names[split]: facts for split, facts in evaluation.items()}}
    vocabulary = make_vocabulary(tokens, used_relations(parsed.values()), folder / VOCAB, relations)
    for where, facts in parsed.items():
        check_entities(facts, vocabulary, where)
    task = task_of_facts(vocabulary, train, types, evaluation)
    check_leaks(task, str(folder / TRAIN), names["test"])
    return task


def _parsed(tokens: dict[str, int], wanted: Iterable[tuple[str, Sequence[str], Any]]) -> list[tuple[Samples, Tensor]]:
    """Parses the facts and types of each list, given as its place, its allowed types and its items.

    Raises DataError for all that is wrong in them.
    """
    found, problems = [], []
    for where, types, items in wanted:
        try:
            found.append(ItemParser(where, tokens, types)(items))
        except DataError as error:
            problems.append(str(error))
    if problems:
        raise DataError("\n".join(problems))
    return found


def used_relations(parsed: Iterable[Samples]) -> set[int]:
    return {int(i) for facts in parsed for i in facts.ids[facts.tags == Role.RELATION].unique()}


def make_vocabulary(tokens: dict[str, int], used: set[int], vocab: Path, relations: Path | None) -> Vocabulary:
    """Makes the vocabulary of the file `vocab`; `used`: ids that facts have as relations.

    relations: a file of inverses, or None. Raises DataError for a relation without an inverse.
    """
    inverses = _inverses(tokens, used, vocab, relations)
    ids = tuple(sorted(inverses))
    return Vocabulary(
        token_to_id=tokens,
        relation_ids=ids,
        mask_id=tokens[MASK],
        pad_id=tokens[PAD],
        inverse_ids=tuple(inverses[i] for i in ids),
    )


def _inverses(tokens: dict[str, int], used: set[int], vocab: Path, stated: Path | None) -> dict[int, int]:
    """Relation id -> id of its inverse, of every relation used or otherwise known."""
    if stated is None:
        return find_inverses(tokens, used | named_relations(tokens), str(vocab))
    inverses = stated_inverses(tokens, read_relations(stated), str(stated))
    if without := sorted(used - inverses.keys()):
        names = {i: name for name, i in tokens.items()}
        raise DataError(f"{stated}: relation '{names[without[0]]}' ({without[0]}) is used, but has no inverse here")
    return inverses


def check_entities(facts: Samples, vocabulary: Vocabulary, where: str, first: int = 0) -> None:
    """Raises DataError for an entity with a relation's or predictor's token in it.

    first: the number of the first fact, where these are a part of the list.
    """
    predictors = [i for name, i in vocabulary.token_to_id.items() if name.startswith(PRED.rstrip(">"))]
    special = torch.tensor([*vocabulary.relation_ids, *predictors])
    wrong = torch.isin(facts.ids, special) & ((facts.tags == Role.HEAD) | (facts.tags == Role.TAIL))
    if wrong.any():
        item, place = (int(i) for i in wrong.nonzero()[0])
        field = "input_text[0]" if facts.tags[item, place] == Role.HEAD else "target_text[0]"
        token = int(facts.ids[item, place])
        raise DataError(
            f"{where}: item {first + item}: {field}: expected an entity's tokens, "
            f"not '{vocabulary.name(token)}' ({token})"
        )


def check_files(folder: Path) -> None:
    expected = f"expected a folder with {', '.join(FILES)}"
    if not folder.is_dir():
        raise DataError(f"{folder}: {expected}" + ("" if folder.exists() else "; there is no such folder"))
    if missing := [name for name in FILES if not (folder / name).is_file()]:
        raise DataError(f"{folder}: {expected}; missing: {', '.join(missing)}")


def read_splits(path: Path) -> dict[str, Any]:
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
