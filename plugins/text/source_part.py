"""A part of the data, training or evaluation, from its source to a set on disk."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from jepa_core import DataError
from jepa_core.progress import progress
from jepa_core.samples.draws import uniform
from jepa_plugins.text.cache import cached, key_of
from jepa_plugins.text.conversation import Conversation
from jepa_plugins.text.sources import Source, conversations
from jepa_plugins.text.store import Entry, TextSetWriter, read_entry
from jepa_plugins.text.tokenise import Tokenise

#: Conversations tokenised at once: enough to keep the tokenizer's threads busy.
AT_ONCE = 1024


@dataclass(frozen=True)
class Share:
    """A share of the conversations, drawn by `seed` and a conversation's line."""

    share: float
    seed: int

    def holds(self, conversation: Conversation) -> bool:
        return bool(uniform(self.seed, 0, torch.tensor([conversation.line])) < self.share)


@dataclass(frozen=True)
class SourcePart:
    """The conversations of a source that belong to one set.

    limit: the number of first rows read, None for all; share: left out of the part, or, with `held_out`, all of it.
    """

    name: str
    source: Source
    limit: int | None = None
    share: Share | None = None
    held_out: bool = False

    def __iter__(self) -> Iterator[Conversation]:
        """Yields the conversations. Raises DataError with the line of a row that isn't one."""
        for conversation in conversations(self.source, self.limit):
            if self.share is None or self.share.holds(conversation) == self.held_out:
                yield conversation

    def key(self) -> list[Any]:
        """A key that changes whenever the conversations do."""
        share = None if self.share is None else [self.share.share, self.share.seed, self.held_out]
        return [self.source.digest(), self.limit, share]

    def samples(self, tokenise: Tokenise) -> tuple[Path, Entry]:
        """The folder and entry of the set's samples, tokenised now unless they are in the cache."""

        def make(folder: Path) -> None:
            with (
                TextSetWriter(folder) as writer,
                progress(desc=f"tokenising {self.name}", unit="pair", delay=2.0) as bar,
            ):
                rest = iter(self)
                while part := list(islice(rest, AT_ONCE)):
                    writer.add(list(tokenise(part, self.source.where, writer.tally)))
                    bar.update(len(part))
                self._refuse_nothing(writer)

        return cached(key_of(self.key(), tokenise.key()), make, read_with_folder)

    def _refuse_nothing(self, writer: TextSetWriter) -> None:
        if not writer.samples:
            dropped = f", all {writer.tally['dropped']:,} are longer than max_length" if writer.tally["dropped"] else ""
            raise DataError(f"{self.source.name}: {self.name}: expected at least one conversation{dropped}")


def read_with_folder(folder: Path) -> tuple[Path, Entry] | None:
    entry = read_entry(folder)
    return None if entry is None else (folder, entry)
