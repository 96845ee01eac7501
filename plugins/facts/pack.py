"""Packing a task, with every check made here, once and part by part."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from jepa_core import DataError
from jepa_core.samples.sample_set import parts_of
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.alike import FACTS, facts_in_parts
from jepa_plugins.facts.folder import (
    SPLITS,
    VALID,
    VOCAB,
    check_entities,
    check_files,
    make_vocabulary,
    read_splits,
    used_relations,
)
from jepa_plugins.facts.folder import TRAIN as TRAIN_FILE
from jepa_plugins.facts.generate import GeneratedTask
from jepa_plugins.facts.json_items import read_items
from jepa_plugins.facts.parse import ItemParser
from jepa_plugins.facts.roles import SampleType
from jepa_plugins.facts.store import packed_draft
from jepa_plugins.facts.store_checks import CheckedSets
from jepa_plugins.facts.store_manifest import (
    MANIFEST,
    TRAIN,
    VOCABULARY,
    Manifest,
    PackedSetEntry,
    evaluation_name,
)
from jepa_plugins.facts.store_set import PackedSet
from jepa_plugins.facts.store_writer import PackedSetWriter, write_described
from jepa_plugins.facts.task_size import TaskSize
from jepa_plugins.facts.vocab_file import read_vocab
from jepa_plugins.facts.vocabulary import Vocabulary

Parts = Iterator[tuple[Samples, Tensor]]  # facts, and their sample types
Progress = Callable[[int], object]


@dataclass(frozen=True)
class Packed:
    """manifest: of the files written; repeats: the number of facts left out of the training set as repeats."""

    manifest: Manifest
    repeats: int


def pack_folder(
    source: Path, folder: Path, relations: Path | None = None, overwrite: bool = False, done: Progress = lambda n: None
) -> Packed:
    """Packs a task that :func:`jepa_plugins.facts.folder.read_folder` reads, with the same checks.

    A repeated training fact is packed once. done: called with the number of facts just written. Raises DataError
    naming file, item and field, and for a `folder` that must not be written; nothing is left there.
    """
    check_files(source)
    tokens = read_vocab(source / VOCAB)
    parse = ItemParser(str(source / TRAIN_FILE), tokens, ("train", "atomic"))

    def train() -> Parts:
        first = 0
        for items in read_items(source / TRAIN_FILE):
            yield parse(items, first)
            first += len(items)

    lists = read_splits(source / VALID)
    names = {split: f"{source / VALID}: {split}" for split in SPLITS}
    evaluation = {split: ItemParser(names[split], tokens, (split,))(lists[split])[0] for split in SPLITS}
    with packed_draft(folder, overwrite) as draft:
        used = used_relations(evaluation.values())
        entry = write_set(draft, TRAIN, _noting_relations(train(), used), done)
        if not entry.facts:
            raise DataError(f"{source / TRAIN_FILE}: expected at least one fact")
        vocabulary = make_vocabulary(tokens, used, source / VOCAB, relations)
        for rows, facts in facts_in_parts(PackedSet(draft, TRAIN, entry, vocabulary.pad_id, vocabulary.size)):
            check_entities(facts, vocabulary, str(source / TRAIN_FILE), int(rows[0]))
        for split, facts in evaluation.items():
            check_entities(facts, vocabulary, names[split])
        return _finish(draft, entry, evaluation, vocabulary, str(source / TRAIN_FILE), names["test"])


def pack_generated(
    size: TaskSize, seed: int, folder: Path, overwrite: bool = False, done: Progress = lambda n: None
) -> Packed:
    """Packs a task of :func:`jepa_plugins.facts.generate.generate_task`; raises DataError like `pack_folder`."""
    with packed_draft(folder, overwrite) as draft:
        task = GeneratedTask(size, seed)
        parts = (task.train(rows.start, rows.stop) for rows in parts_of(task.facts, FACTS))
        entry = write_set(draft, TRAIN, parts, done)
        return _finish(draft, entry, task.evaluation, task.vocabulary, "training set", "test set")


def write_set(folder: Path, name: str, parts: Parts, done: Progress = lambda n: None) -> PackedSetEntry:
    writer = PackedSetWriter(folder, name)
    for facts, types in parts:
        writer.add(facts, types)
        done(len(facts))
    return writer.close()


def _noting_relations(parts: Parts, used: set[int]) -> Parts:
    for facts, types in parts:
        used |= used_relations([facts])
        yield facts, types


def _finish(
    draft: Path,
    entry: PackedSetEntry,
    evaluation: Mapping[str, Samples],
    vocabulary: Vocabulary,
    train_name: str,
    test_name: str,
) -> Packed:
    """Writes the evaluation sets, checks the training set in the draft against them, and writes the manifest last."""
    entries = {}
    for split, facts in evaluation.items():
        types = torch.full((len(facts),), int(SampleType[split.upper()]))
        entries[split] = write_set(draft, evaluation_name(split), iter([(facts, types)]))
    train = PackedSet(draft, TRAIN, entry, vocabulary.pad_id, vocabulary.size)
    test = PackedSet(draft, evaluation_name("test"), entries["test"], vocabulary.pad_id, vocabulary.size)
    repeats = CheckedSets(train, test, vocabulary, train_name, test_name).repeats()
    if len(repeats):
        entry = _without(draft, train, repeats)
    words = json.dumps(vocabulary.to_json()) + "\n"
    manifest = Manifest(
        train=entry, evaluation=entries, vocabulary=write_described(draft / VOCABULARY, words.encode("utf-8"))
    )
    (draft / MANIFEST).write_text(json.dumps(manifest.model_dump(), indent=1) + "\n", encoding="utf-8")
    return Packed(manifest, len(repeats))


def _without(draft: Path, train: PackedSet, repeats: np.ndarray) -> PackedSetEntry:
    """Writes the training set again, without these rows."""
    kept = draft / "kept"
    kept.mkdir()

    def parts() -> Parts:
        for rows, facts in facts_in_parts(train):
            start, stop = np.searchsorted(repeats, [rows[0], rows[-1] + 1])
            keep = torch.ones(len(rows), dtype=torch.bool)
            keep[repeats[start:stop] - rows[0]] = False
            yield facts[keep], train.sample_type[rows[0] : rows[-1] + 1][keep]

    entry = write_set(kept, TRAIN, parts())
    for path in draft.glob(f"{TRAIN}.*"):
        path.unlink()
    for path in kept.iterdir():
        path.rename(draft / path.name)
    kept.rmdir()
    return entry
