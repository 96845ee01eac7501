"""Conversations to samples: rendered, encoded, tagged, and cut where they are too long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jepa_core.errors import DataError
from jepa_plugins.text.conversation import ASSISTANT, SYSTEM, USER, Conversation
from jepa_plugins.text.cut import TooLong, cut
from jepa_plugins.text.encoding import Encoder, Tokens
from jepa_plugins.text.owners import Owners, owners_of
from jepa_plugins.text.rendering import Rendering
from jepa_plugins.text.tags import Row, Tag, TrainOn, row_of, turn_of
from jepa_plugins.text.tally import Tally
from jepa_plugins.text.template import ChatTemplate

#: Changes whenever this code makes other samples of the same conversations.
FORMAT = 1


@dataclass(frozen=True)
class Sample:
    """row: the conversation; alone: its last user turn by itself."""

    row: Row
    alone: Row
    conversation: Conversation


@dataclass(frozen=True)
class Tokenise:
    """Makes samples of conversations.

    eos: the end of text's id; max_length: tokens that a row may have, null for any number; too_long: what happens to
    one that has more.
    """

    template: ChatTemplate
    encoder: Encoder
    eos: int | None
    train_on: TrainOn = "all"
    max_length: int | None = None
    too_long: TooLong = "error"

    def key(self) -> list[Any]:
        """Changes whenever a conversation can become another sample."""
        template = [self.template.text, self.template.tokenizer.special_tokens_map]
        return [FORMAT, self.encoder.key(), template, self.eos, self.train_on, self.max_length, self.too_long]

    def stop_ids(self) -> list[int]:
        """The special tokens that end an answer, in order; empty where ordinary text does."""
        pair = Conversation((USER, ASSISTANT), ("a", "b"))
        unlimited = replace(self, max_length=None)
        [sample] = unlimited([pair], lambda line: self.template.name, Tally())
        ends = sample.row.ids[sample.row.tags == Tag.END]
        return [int(i) for i in ends if self.encoder.is_special[i]]

    def __call__(
        self, conversations: Sequence[Conversation], where: Callable[[int], str], tally: Tally
    ) -> Iterator[Sample]:
        """The samples of those that are not dropped, in order.

        where: from a line what a message about it begins with; tally: counts what there is to tell. Raises DataError
        naming the line.
        """
        whole = [self.template.render(self._fitting(each, tally), where(each.line)) for each in conversations]
        alone = [
            self.template.render(Conversation((USER,), (each.question,)), where(each.line)) for each in conversations
        ]
        tokens = self.encoder.encode([rendering.text for rendering in (*whole, *alone)])
        tally["read"] += len(conversations)
        for number, conversation in enumerate(conversations):
            place = where(conversation.line)
            tally["left_out"] += conversation.left_out
            row = self._row(whole[number], tokens[number], place, tally)
            turn = turn_of(alone[number], *self._owned(alone[number], tokens[len(whole) + number], place, Tally()))
            kept = cut(row, turn, self.max_length, self.too_long, place, tally)
            if kept is not None:
                yield Sample(*kept, conversation)

    def _fitting(self, conversation: Conversation, tally: Tally) -> Conversation:
        if self.template.has_system or conversation.roles[0] != SYSTEM:
            return conversation
        tally["merged"] += 1
        return conversation.with_system_merged()

    def _row(self, rendering: Rendering, tokens: Tokens, where: str, tally: Tally) -> Row:
        tokens, owners = self._owned(rendering, tokens, where, tally)
        row = row_of(rendering, tokens, owners, self.encoder, self.eos, self.train_on)
        if not (row.tags[row.branch :] == Tag.END).any():
            raise DataError(
                f"{self.template.name}: writes nothing after the answer, so a model would not learn to stop: expected "
                "something that ends it"
            )
        tally["unended"] += row.unended
        tally["straddling"] += owners.straddling
        return row

    def _owned(self, rendering: Rendering, tokens: Tokens, where: str, tally: Tally) -> tuple[Tokens, Owners]:
        """The tokens with whose they are; special tokens that somebody wrote are ordinary text in them."""
        tokens = self._with_prefix(tokens)
        owners = owners_of(rendering, tokens, self.encoder)
        if len(owners.written):
            tally["escaped"] += 1
            tokens = self._with_prefix(self.encoder.escape(rendering.text, rendering.literals))
            owners = owners_of(rendering, tokens, self.encoder)
        for place in owners.written:
            text = rendering.text[tokens.starts[place] : tokens.ends[place]]
            raise DataError(
                f"{where}: content: there is '{text}' in it, which is a special token even as ordinary text"
            )
        if self.encoder.unknown is not None:
            tally["unknown"] += int((tokens.ids == self.encoder.unknown).sum())
        return tokens, owners

    def _with_prefix(self, tokens: Tokens) -> Tokens:
        """With what the tokenizer begins every text with, once."""
        prefix = self.encoder.prefix
        return tokens if tokens.ids[: len(prefix)].tolist() == prefix else tokens.with_prefix(prefix)
