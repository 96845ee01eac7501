"""A set of conversations that stays on disk: memory maps from which a batch reads its own rows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from jepa_core import IGNORE, PAD
from jepa_core.folder.array_map import ArrayMap
from jepa_plugins.text.store import ARRAYS, LABELLED, Entry
from jepa_plugins.text.tally import Tally

Batch = dict[str, Tensor]


class TextSet:
    """The conversations of one set, all of one group.

    group: its name and number; pad_id: fills up the shorter rows of a batch; bos_id: the token that begins every row,
    None where there is none; first_index: the index of the first sample; group_by_length: whether a step is to have
    rows of like length.
    """

    def __init__(
        self,
        folder: Path,
        entry: Entry,
        group: tuple[str, int],
        pad_id: int,
        bos_id: int | None,
        first_index: int = 0,
        group_by_length: bool = False,
    ):
        self._opened_with = (folder, entry, group, pad_id, bos_id, first_index, group_by_length)
        self.group_by_length = group_by_length
        self.entry = entry
        self.group_name, self.group = group
        self.pad_id, self.bos_id, self.first_index = pad_id, bos_id, first_index
        self._maps = {
            name: ArrayMap(folder / name, dtype, [entry.bytes[name] // np.dtype(dtype).itemsize])
            for name, dtype in ARRAYS.items()
        }

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickles the arguments alone: a process that makes batches maps the files itself."""
        return type(self), self._opened_with

    def __len__(self) -> int:
        return self.entry.samples

    @property
    def max_length(self) -> int:
        """The tokens of the longest row."""
        return self.entry.longest

    @property
    def lengths(self) -> Tensor:
        """The number of tokens ``n`` int64 of each row, to make batches of rows of like length."""
        return torch.from_numpy(np.diff(self._array("row_starts")))

    @property
    def group_sizes(self) -> dict[str, int]:
        return {self.group_name: len(self)} if len(self) else {}

    @property
    def question_hashes(self) -> Tensor:
        """Hashes ``n`` int64, equal where the last question is the same text."""
        return self._hashes("question_hash")

    @property
    def answer_hashes(self) -> Tensor:
        """Hashes ``n`` int64, equal where the answer is the same text."""
        return self._hashes("answer_hash")

    @property
    def notes(self) -> list[str]:
        """Sentences on what was done to the conversations."""
        return Tally.from_json(self.entry.tally).notes(self.group_name)

    def _array(self, name: str) -> np.ndarray:
        return self._maps[name].array

    def _hashes(self, name: str) -> Tensor:
        return torch.from_numpy(np.array(self._array(name)).view(np.int64))

    def answer(self, item: int) -> str:
        """The text of a sample's answer, as the data has it."""
        start, end = self._array("answer_starts")[item : item + 2]
        return self._array("answer_text")[start:end].tobytes().decode("utf-8")

    def first_rows(self, group: str, count: int) -> Tensor:
        """The first `count` rows of a group, or as many as there are."""
        return torch.arange(min(count, len(self)) if group == self.group_name else 0)

    def __getitem__(self, item: int) -> Batch:
        """One sample: the keys of :meth:`__getitems__` without the batch axis."""
        return {key: value[0] for key, value in self.__getitems__([range(len(self))[item]]).items()}

    def __getitems__(self, items: Sequence[int]) -> Batch:
        """Makes one batch, padded to the longest of these rows.

        input_ids, labels, tags: ``b s`` int64; labels are unshifted, -100 where there is none; group, index: ``b``.
        Further renderings, ids and tags ``b s'`` each: ``prefix``, the row up to the end of the turn before the answer;
        ``answer``, the rest of it, after the token that begins a row; ``alone``, the last user turn by itself, up to
        the end of its content, so that predictor tokens come before the template closes the turn;
        ``alone_closed``, all of that turn.
        """
        rows = np.array(items, dtype=np.int64)
        starts, ends = self._array("row_starts")[rows], self._array("row_starts")[rows + 1]
        branches = starts + self._array("row_branch")[rows]
        ids, tags = self._rows("row", starts, ends)
        labelled = tags >= LABELLED
        tags = tags % LABELLED
        width = int((branches - starts).max(initial=0))
        before = np.arange(width) < (branches - starts)[:, None]
        batch = {
            "input_ids": ids,
            "labels": np.where(labelled, ids, IGNORE),
            "tags": tags,
            "group": np.full(len(rows), self.group),
            "index": rows + self.first_index,
            "prefix_ids": np.where(before, ids[:, :width], self.pad_id),
            "prefix_tags": np.where(before, tags[:, :width], PAD),
        }
        batch["answer_ids"], batch["answer_tags"] = self._rows("row", branches, ends, first=starts)
        alone, closed = self._array("alone_starts")[rows], self._array("alone_starts")[rows + 1]
        said = alone + self._array("alone_branch")[rows]
        batch["alone_ids"], batch["alone_tags"] = self._rows("alone", alone, said)
        batch["alone_closed_ids"], batch["alone_closed_tags"] = self._rows("alone", alone, closed)
        batch["answer_tags"] %= LABELLED
        return {name: torch.from_numpy(values) for name, values in batch.items()}

    def _rows(
        self, kind: str, starts: np.ndarray, ends: np.ndarray, first: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Reads tokens and tags ``b s`` at the places ``[start, end)``, after the token at `first` if that is BOS."""
        tokens, tags = self._array(f"{kind}_tokens"), self._array(f"{kind}_tags")
        if first is not None and self.bos_id is not None:
            begins = tokens[first] == self.bos_id
            starts = starts - begins
        lengths = ends - starts
        place = np.arange(int(lengths.max(initial=0)))
        places = starts[:, None] + place
        if first is not None and self.bos_id is not None:
            places[:, 0] = np.where(begins, first, places[:, 0])
        valid = place < lengths[:, None]
        places = np.where(valid, places, 0)
        ids = np.where(valid, tokens[places], self.pad_id).astype(np.int64)
        return ids, np.where(valid, tags[places], PAD).astype(np.int64)
