"""Checks that rows are the template's text, that turns are where it writes them, and that cuts are told."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby, islice

from torch import Tensor

from jepa_core.verify.context import Context
from jepa_core.verify.row import Row, Verdict, at_most, not_applicable, source_of
from jepa_core.verify.words import count
from jepa_plugins.text.conversation import ASSISTANT, SYSTEM, USER, Conversation
from jepa_plugins.text.cut import cut
from jepa_plugins.text.owners import owners_of
from jepa_plugins.text.source_part import SourcePart
from jepa_plugins.text.store import Entry
from jepa_plugins.text.tags import Tag
from jepa_plugins.text.tally import Tally
from jepa_plugins.text.template import ChatTemplate
from jepa_plugins.text.tokenise import Tokenise

#: The number of first conversations that are rendered again, and for a quick look.
SHOWN, FEW = 64, 4
_ROLES = {Tag.SYSTEM: SYSTEM, Tag.USER: USER, Tag.ASSISTANT: ASSISTANT}
Turn = tuple[str, list[int]]


def rendering(context: Context, tokenise: Tokenise, parts: Sequence[SourcePart]) -> Iterator[Row]:
    """Renders conversations with the tokenizer's own functions, and reads the rows back."""
    yield from _as_rendered(context, tokenise, parts[0])
    sets = [context.run.train_dataset, *context.run.eval_datasets.values()]
    for part, each in zip(parts, sets, strict=True):
        yield _told(part.name, getattr(each, "entry"), tokenise)  # noqa: B009


def _as_rendered(context: Context, tokenise: Tokenise, part: SourcePart) -> Iterator[Row]:
    texts = Texts(tokenise)
    train, number = context.run.train_dataset, 0
    rows, turns, other = [], [], 0
    for conversation in islice(part, FEW if context.quick else SHOWN):
        kept = len(list(tokenise([conversation], part.source.where, Tally())))
        if kept and texts.is_plain(conversation):
            row = train[number]
            if row["input_ids"].tolist() != texts.ids(conversation):
                rows.append(f"{part.source.where(conversation.line)}: {texts.decode(row['input_ids'].tolist())!r}")
            turns += texts.misplaced(conversation, row["input_ids"], row["tags"])
        else:
            other += 1
        number += kept
    looked = f"{count(number, 'conversation')}, {other:,} of them cut, dropped or with special tokens as text left out"
    if number == other:
        yield not_applicable("rows that are not what the template writes", looked, source_of(ChatTemplate.render))
        return
    shown = "; ".join([looked, *rows[:2]])
    yield at_most("rows that are not what the template writes", len(rows), 0, shown, source_of(ChatTemplate.render))
    shown = "; ".join([looked, *turns[:2]])
    yield at_most("turns whose tokens are not what is said in them", len(turns), 0, shown, source_of(owners_of))


class Texts:
    """Texts and tokens by the tokenizer's own functions, independent of those that made the rows."""

    def __init__(self, tokenise: Tokenise):
        self.tokenise = tokenise
        self.tokenizer = tokenise.template.tokenizer

    def text(self, conversation: Conversation) -> str:
        fitting = conversation if self.tokenise.template.has_system else conversation.with_system_merged()
        return self.tokenise.template.apply(fitting)

    def ids(self, conversation: Conversation) -> list[int]:
        """The tokens of a conversation, with the tokenizer's prefix once, where `add_special_tokens` may put two."""
        ids: list[int] = self.tokenizer(self.text(conversation), add_special_tokens=False)["input_ids"]
        prefix = self.tokenise.encoder.prefix
        return ids if ids[: len(prefix)] == prefix else [*prefix, *ids]

    def is_plain(self, conversation: Conversation) -> bool:
        """Tells whether nothing is cut from it, and no special token is written in it as ordinary text."""
        most = self.tokenise.max_length
        if most is not None and len(self.ids(conversation)) > most:
            return False
        return not any(token in text for text in conversation.contents for token in self.tokenise.encoder.special)

    def decode(self, ids: Sequence[int]) -> str:
        text: str = self.tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text

    def misplaced(self, conversation: Conversation, ids: Tensor, tags: Tensor) -> list[str]:
        """Lists turns whose tokens say something else; none where the template rewrites a content."""
        whole = self.text(conversation)
        said = [(r, c) for r, c in zip(conversation.roles, conversation.contents, strict=True) if c.strip()]
        found = turns_of(ids.tolist(), tags.tolist())
        if any(content.strip() not in whole for _, content in said):
            return []
        if [role for role, _ in said] != [role for role, _ in found]:
            return [f"line {conversation.line}: {len(found)} turns in the row, {len(said)} in the conversation"]
        pairs = zip(said, found, strict=True)
        return [
            f"line {conversation.line}: {role}: {self.decode(tokens)!r} for {content!r}"
            for (role, content), (_, tokens) in pairs
            if not self._says(tokens, content)
        ]

    def _says(self, tokens: list[int], content: str) -> bool:
        """Tells whether tokens are the content, up to white space around it; or more, if the first and last token are
        partly the template's, or its generated part begins before the content."""
        written = {content, content.strip(), content.lstrip(), content.rstrip(), content.removeprefix(" ")}
        again = {self.decode(self.tokenizer(text, add_special_tokens=False)["input_ids"]) for text in written}
        if self.decode(tokens) in written | again:
            return True
        marked, core = self.tokenise.template.marks_generation, content.strip()
        needed = core not in self.decode(tokens[:-1]) and (marked or core not in self.decode(tokens[1:]))
        return core in self.decode(tokens) and needed


def turns_of(ids: Sequence[int], tags: Sequence[int]) -> list[Turn]:
    """Lists role and tokens of each run of tokens that somebody says."""
    runs = groupby(zip(tags, ids, strict=True), key=lambda token: token[0])
    return [(_ROLES[tag], [i for _, i in run]) for tag, run in runs if tag in _ROLES]


def _told(name: str, entry: Entry, tokenise: Tokenise) -> Row:
    """Checks that every conversation read is a sample or counted as dropped, and none is longer than allowed."""
    tally = Tally.from_json(entry.tally)
    missing = tally["read"] - tally["dropped"] - entry.samples
    title, source = f"conversations of '{name}' that were cut off", source_of(cut)
    if missing or entry.longest > (tokenise.max_length or entry.longest):
        told = (
            f"{missing:,} of {tally['read']:,} are neither there nor counted; the longest has {entry.longest:,} tokens"
        )
        return Row(title, Verdict.FAIL, abs(missing), "= 0", told, source)
    lost = tally["dropped"] + tally["cut"]
    limit = "no limit" if tokenise.max_length is None else f"max_length {tokenise.max_length:,}"
    told = f"{tally['read']:,} read, {tally['dropped']:,} dropped, {tally['cut']:,} cut at the front; {limit}"
    return Row(title, Verdict.WARN if lost else Verdict.PASS, lost, "= 0", told, source)
