"""A set of samples as a folder of ragged arrays, written part by part in memory that does not grow with the set."""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Self

import numpy as np

from jepa_plugins.text.tags import TokenRow
from jepa_plugins.text.tally import Tally
from jepa_plugins.text.tokenise import Sample

MANIFEST = "manifest.json"
#: Added to a tag where its token is a label.
LABELLED = 128
_ROW = {"tokens": "<i4", "tags": "u1", "starts": "<i8", "branch": "<i4"}
#: Array -> type. Rows, and users' turns alone, have tokens and tags, of all samples one after another, starts (and the
#: end of the last one), and branches. Then come hashes of the last question and of its answer, and the answer's text,
#: in UTF-8.
ARRAYS = {
    **{f"{kind}_{name}": dtype for kind in ("row", "alone") for name, dtype in _ROW.items()},
    "question_hash": "<u8",
    "answer_hash": "<u8",
    "answer_text": "u1",
    "answer_starts": "<i8",
}


@dataclass(frozen=True)
class Entry:
    """A set. samples: their number; longest: tokens of the longest row; tally: counts of what was done to it; bytes:
    array -> bytes of its file."""

    samples: int
    longest: int
    tally: dict[str, int]
    bytes: dict[str, int]

    def is_whole(self, folder: Path) -> bool:
        files = {array: folder / array for array in ARRAYS}
        return all(f.is_file() and f.stat().st_size == self.bytes.get(array) for array, f in files.items())


class TextSetWriter:
    """Writes a set into a folder: samples are added in order; leaving the context without an error finishes it."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.tally = Tally()
        self.samples = self._longest = 0
        self._ends = dict.fromkeys(("row_starts", "alone_starts", "answer_starts"), 0)
        self._open = ExitStack()
        self._files = {array: self._open.enter_context((folder / array).open("wb")) for array in ARRAYS}
        for array in self._ends:
            self._write(array, [0])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *error: object) -> None:
        sizes = {array: file.tell() for array, file in self._files.items()}
        self._open.close()
        if kind is None:
            entry = Entry(self.samples, self._longest, dict(self.tally), sizes)
            (self.folder / MANIFEST).write_text(json.dumps(asdict(entry), indent=1), encoding="utf-8")

    def add(self, samples: Sequence[Sample]) -> None:
        if not samples:
            return
        self._rows("row", [sample.row for sample in samples])
        self._rows("alone", [sample.alone for sample in samples])
        answers = [sample.conversation.contents[-1].encode() for sample in samples]
        self._write("answer_text", np.frombuffer(b"".join(answers), dtype=np.uint8))
        self._lengths("answer_starts", [len(answer) for answer in answers])
        self._write("answer_hash", [text_hash(answer) for answer in answers])
        self._write("question_hash", [text_hash(sample.conversation.question.encode()) for sample in samples])
        self.samples += len(samples)
        self._longest = max(self._longest, *(len(sample.row) for sample in samples))

    def _rows(self, kind: str, rows: Sequence[TokenRow]) -> None:
        self._write(f"{kind}_tokens", np.concatenate([row.ids for row in rows]))
        self._write(f"{kind}_tags", np.concatenate([row.tags + LABELLED * row.labelled for row in rows]))
        self._write(f"{kind}_branch", [row.branch for row in rows])
        self._lengths(f"{kind}_starts", [len(row) for row in rows])

    def _lengths(self, array: str, lengths: Sequence[int]) -> None:
        ends = np.cumsum(lengths) + self._ends[array]
        self._ends[array] = int(ends[-1])
        self._write(array, ends)

    def _write(self, array: str, values: Sequence[int] | np.ndarray) -> None:
        self._files[array].write(np.asarray(values).astype(ARRAYS[array]).tobytes())


def text_hash(text: bytes) -> int:
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "little")


def read_entry(folder: Path) -> Entry | None:
    """Reads the entry of the set in a folder; None where there is none, or a file is missing or of another size."""
    try:
        entry = Entry(**json.loads((folder / MANIFEST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):  # nothing there, or no manifest
        return None
    return entry if entry.is_whole(folder) else None
