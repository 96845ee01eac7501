"""Turning conversations into samples: they are rendered, encoded, tagged, and cut where too long."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jepa_core import DataError
from jepa_core.errors import one_line
from jepa_plugins.text.conversation import ASSISTANT, SYSTEM, USER, Conversation
from jepa_plugins.text.cut import TooLong, cut
from jepa_plugins.text.encoding import EncodedText, Encoder
from jepa_plugins.text.owners import Owners, owners_of
from jepa_plugins.text.rendering import Rendering
from jepa_plugins.text.tags import Tag, TokenRow, TrainOn, row_of, turn_of
from jepa_plugins.text.tally import Tally
from jepa_plugins.text.template import ChatTemplate

#: The version, to raise whenever this code makes other samples of the same conversations.
FORMAT = 1


@dataclass(frozen=True)
class Sample:
    """row: the conversation; alone: its last user turn by itself."""

    row: TokenRow
    alone: TokenRow
    conversation: Conversation


@dataclass(frozen=True)
class Tokenise:
    """Makes samples of conversations.

    eos: the end of text's id; max_length: the most tokens of a row, None for any number; too_long: what to do with a
    longer one.
    """

    template: ChatTemplate
    encoder: Encoder
    eos: int | None
    train_on: TrainOn = "all"
    max_length: int | None = None
    too_long: TooLong = "error"

    def key(self) -> list[Any]:
        """A key that changes whenever a conversation can become another sample."""
        template = [self.template.text, self.template.tokenizer.special_tokens_map]
        return [FORMAT, self.encoder.key(), template, self.eos, self.train_on, self.max_length, self.too_long]

    def stop_ids(self) -> list[int]:
        """The special tokens that end an answer, in order; empty where ordinary text ends it."""
        pair = Conversation((USER, ASSISTANT), ("a", "b"))
        unlimited = replace(self, max_length=None)
        [sample] = unlimited([pair], lambda line: self.template.name, Tally())
        ends = sample.row.ids[sample.row.tags == Tag.END]
        return [int(i) for i in ends if self.encoder.is_special[i]]

    def __call__(
        self, conversations: Sequence[Conversation], where: Callable[[int], str], tally: Tally
    ) -> Iterator[Sample]:
        """Yields the samples of conversations, in order, but for dropped ones.

        where: gives the beginning of a message about a line; tally: counts what was done. Raises DataError naming the
        line.
        """
        places = [where(each.line) for each in conversations]
        fitting = [self._fitting(each, tally) for each in conversations]
        turns = [Conversation((USER,), (each.question,)) for each in conversations]
        whole, alone = (list(map(self.template.render, texts, places)) for texts in (fitting, turns))
        tokens = self._encode([*whole, *alone], [*places, *places])
        tally["read"] += len(conversations)
        rows = self._owned(whole, tokens[: len(whole)], places, tally)
        alones = self._owned(alone, tokens[len(whole) :], places, Tally())
        for number, conversation in enumerate(conversations):
            tally["left_out"] += conversation.left_out
            row = self._row(whole[number], *rows[number], places[number], tally)
            turn = turn_of(alone[number], *alones[number])
            kept = cut(row, turn, self.max_length, self.too_long, places[number], tally)
            if kept is not None:
                yield Sample(kept[0], kept[1], conversation)

    def _encode(self, renderings: Sequence[Rendering], where: Sequence[str]) -> list[EncodedText]:
        texts = [rendering.text for rendering in renderings]
        try:
            return self.encoder.encode(texts)
        except Exception as error:  # what the tokenizers library raises is nothing more special
            for text, place in zip(texts, where, strict=True):
                self._refuse_failing(text, place)
            raise DataError(f"{where[0]}: the tokenizer fails: {one_line(error)}") from error

    def _refuse_failing(self, text: str, where: str) -> None:
        try:
            self.encoder.encode([text])
        except Exception as error:  # as above
            raise DataError(f"{where}: the tokenizer fails: {one_line(error)}") from error

    def _fitting(self, conversation: Conversation, tally: Tally) -> Conversation:
        if self.template.has_system or conversation.roles[0] != SYSTEM:
            return conversation
        tally["merged"] += 1
        return conversation.with_system_merged()

    def _row(self, rendering: Rendering, tokens: EncodedText, owners: Owners, where: str, tally: Tally) -> TokenRow:
        row = row_of(rendering, tokens, owners, self.encoder, self.eos, self.train_on)
        if not (row.tags[row.branch :] == Tag.ASSISTANT).any():
            raise DataError(f"{where}: expected an answer, template and tokenizer leave nothing of it")
        if not (row.tags[row.branch :] == Tag.END).any():
            raise DataError(
                f"{self.template.name}: writes nothing after the answer, so a model would not learn to stop: expected "
                "something that ends it"
            )
        tally["unended"] += row.unended
        tally["straddling"] += owners.straddling
        if self.encoder.unknown is not None:
            tally["unknown"] += int((tokens.ids == self.encoder.unknown).sum())
        return row

    def _owned(
        self, renderings: Sequence[Rendering], tokens: Sequence[EncodedText], where: Sequence[str], tally: Tally
    ) -> list[tuple[EncodedText, Owners]]:
        """Pairs tokens with their owners; special tokens that somebody wrote are encoded as ordinary text."""
        tokens = [self._with_prefix(each) for each in tokens]
        owned = list(zip(tokens, owners_of(renderings, tokens, self.encoder), strict=True))
        for number, (_, owners) in enumerate(owned):
            if owners.written:
                tally["escaped"] += 1
                owned[number] = self._escaped(renderings[number], where[number])
        return owned

    def _escaped(self, rendering: Rendering, where: str) -> tuple[EncodedText, Owners]:
        tokens = self._with_prefix(self.encoder.escape(rendering.text, rendering.literals))
        [owners] = owners_of([rendering], [tokens], self.encoder)
        for place in owners.written:
            text = rendering.text[tokens.starts[place] : tokens.ends[place]]
            raise DataError(
                f"{where}: content: there is '{text}' in it, which is a special token even as ordinary text"
            )
        return tokens, owners

    def _with_prefix(self, tokens: EncodedText) -> EncodedText:
        """Puts the tokenizer's prefix of every text in front, once."""
        prefix = self.encoder.prefix
        return tokens if tokens.ids[: len(prefix)].tolist() == prefix else tokens.with_prefix(prefix)
