"""Checks a packed task against its manifest, fact by fact."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import torch
from torch import Tensor

from jepa_core import DataError
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.alike import facts_in_parts
from jepa_plugins.facts.fact_set import FactSet, count_types
from jepa_plugins.facts.roles import TAGS, Role
from jepa_plugins.facts.store_manifest import PackedSetEntry, file_name
from jepa_plugins.facts.store_set import PackedSet
from jepa_plugins.facts.vocabulary import Vocabulary


def check_content(folder: Path, name: str, entry: PackedSetEntry, facts: FactSet, vocabulary: Vocabulary) -> None:
    """Reads the set `name`. Raises DataError naming file and fact, or the wrong figure of the manifest."""

    def refuse(array: str, words: str) -> NoReturn:
        raise DataError(
            f"{folder / file_name(name, array)}: {words}; it was changed since it was packed: pack it again"
        )

    relations = torch.tensor(vocabulary.relation_ids)
    longest = 0
    for rows, part in facts_in_parts(facts):
        facts.groups(torch.from_numpy(rows))
        wrong = misplaced(part, relations, vocabulary.mask_id, vocabulary.pad_id)
        if wrong.any():
            row, place = wrong.nonzero()[0].tolist()
            tag, token = TAGS[int(part.tags[row, place]) - 1], int(part.ids[row, place])
            refuse(
                "tokens", f"fact {rows[row]:,}: expected a token of the {tag}, not '{vocabulary.name(token)}' ({token})"
            )
        longest = max(longest, int(part.valid.sum(dim=1).max()))
    if longest != entry.longest:
        refuse("tokens", f"expected a longest fact of {entry.longest:,} tokens, it has {longest:,}")
    if count_types(facts.sample_type) != entry.of_type:
        refuse("types", "expected the types that the manifest counts")
    if isinstance(facts, PackedSet) and (ends := facts.ends) and ends != (0, entry.arrays["tokens"].shape[0]):
        refuse(
            "starts",
            f"expected facts from 0 to {entry.arrays['tokens'].shape[0]:,}, they go from {ends[0]:,} to {ends[1]:,}",
        )


def misplaced(facts: Samples, relations: Tensor, mask_id: int, pad_id: int) -> Tensor:
    """Marks wrong tokens, ``b s`` bool: a relation or mask where none belongs, or another token where one does."""
    is_mask, is_relation = facts.ids == mask_id, torch.isin(facts.ids, relations)
    wrong = (is_mask != (facts.tags == Role.MASK)) | (is_relation != (facts.tags == Role.RELATION))
    return facts.valid & (wrong | (facts.ids == pad_id))
