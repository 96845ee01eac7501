"""Checks that answers are labelled to their end, that padding takes no label, and that a text begins once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from jepa_core.samples.sample_set import Batch
from jepa_core.samples.samples import IGNORE, PAD
from jepa_core.verify.context import Context, mode
from jepa_core.verify.row import Row, at_most, not_applicable, source_of
from jepa_core.verify.words import count
from jepa_plugins.text.source_part import SourcePart
from jepa_plugins.text.tags import Tag, row_of
from jepa_plugins.text.text_set import TextSet
from jepa_plugins.text.tokenise import Tokenise

#: Samples checked at the start of a run.
FEW = 64
#: Renderings of a sample that are texts of their own; the row itself has no name in front.
BEGINNING = ("input", "prefix", "answer", "alone", "alone_closed")


def answers(context: Context, tokenise: Tokenise, parts: Sequence[SourcePart]) -> Iterator[Row]:
    """Checks batches as the model gets them."""
    rows = context.training_rows[:FEW] if context.quick else context.training_rows
    batch = context.run.train_dataset.__getitems__(rows)
    yield _end_is_a_label(batch, context)
    yield _pad_takes_no_label(batch, context)
    yield _begins_once(batch, context, tokenise)


def _end_is_a_label(batch: Batch, context: Context) -> Row:
    """Checks that every answer has an end, all of it labelled; else a model never learns to stop."""
    ends = (batch["tags"] == Tag.END) & _after_prompt(batch)
    wrong = ~ends.any(dim=1) | (ends & (batch["labels"] != batch["input_ids"])).any(dim=1)
    shown = Counter(tuple(row[each].tolist()) for row, each in zip(batch["input_ids"], ends, strict=True))
    name = context.run.vocabulary.spelled
    ended = ", ".join(f"{n:,} end with {' '.join(map(name, ids)) or 'nothing'}" for ids, n in shown.most_common(4))
    told = f"of {count(len(wrong), 'answer')} {ended}"
    return at_most("answers whose end is no label", int(wrong.sum()), 0, told, source_of(row_of))


def _pad_takes_no_label(batch: Batch, context: Context) -> Row:
    """Checks that a padding token which also stands in answers, such as the end of text, is a label there."""
    pad, labels = context.run.vocabulary.pad_id, batch["labels"]
    name, source = "labels lost to the padding token", source_of(TextSet.__getitems__)
    said = torch.isin(batch["tags"], torch.tensor([Tag.ASSISTANT, Tag.END])) & _after_prompt(batch)
    wanted = said & (batch["input_ids"] == pad)
    with mode(context.objective, filters=False):
        own = context.objective.plan(batch).own_labels
    lost = int((wanted & (labels != pad)).sum()) + int((labels == pad).sum()) - int((own.ids == pad).sum())
    padding = int(((batch["tags"] == PAD) & (labels != IGNORE)).sum())
    if not wanted.any() and not lost and not padding:
        return not_applicable(name, f"{context.run.vocabulary.spelled(pad)} pads and stands in no answer", source)
    told = f"{context.run.vocabulary.spelled(pad)} pads, and stands {int(wanted.sum()):,} times in answers"
    return at_most(name, lost + padding, 0, f"{told}; {count(padding, 'label')} on padding", source)


def _begins_once(batch: Batch, context: Context, tokenise: Tokenise) -> Row:
    """Checks that every rendering begins once, or never, just as tokenizer and template begin a text."""
    name, source = "texts that do not begin once", source_of(TextSet._rows)
    bos = getattr(context.run.train_dataset, "bos_id", None)
    if bos is None:
        return not_applicable(name, "the tokenizer has no token that begins a text", source)
    wanted = int(bos in tokenise.encoder.prefix or _template_begins(tokenise, bos))
    wrong = 0
    for rendering in BEGINNING:
        ids, real = batch[f"{rendering}_ids"], batch["tags" if rendering == "input" else f"{rendering}_tags"] != PAD
        begins = (ids == bos) & real
        wrong += int((begins.long().cumprod(dim=1).sum(dim=1) != wanted).sum())  # a turn may begin with it, too
    said = (
        f"{context.run.vocabulary.spelled(bos)} begins a text" if wanted else "neither tokenizer nor template puts one"
    )
    told = f"{said}; {len(batch['input_ids']):,} samples, {len(BEGINNING)} renderings of each"
    return at_most(name, wrong, 0, told, source)


def _template_begins(tokenise: Tokenise, bos: int) -> bool:
    """Tells whether the template's first words begin with this token."""
    first = tokenise.template.skeleton(("user", "assistant")).literals[0]
    ids = tokenise.encoder.encode([first])[0].ids.tolist() if first else []
    return ids[:1] == [bos]


def _after_prompt(batch: Batch) -> Tensor:
    """Marks the tokens from the last answer's turn on, ``b s`` bool."""
    prompt = (batch["prefix_tags"] != PAD).sum(dim=1, keepdim=True)
    return torch.arange(batch["tags"].shape[1]) >= prompt
