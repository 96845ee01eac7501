"""``messages``: conversations of people and assistants, as text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from jepa_core import Asker, DataPathOrId, DatasetContext, JepaObjective, Manner, OnDisk, TaskData, hookimpl
from jepa_core.model.tokenizer import tokenizer_files
from jepa_plugins.text.checks import text_checks
from jepa_plugins.text.cut import TooLong
from jepa_plugins.text.encoding import Encoder
from jepa_plugins.text.source_part import Share, SourcePart
from jepa_plugins.text.sources import source
from jepa_plugins.text.tags import TAGS, TrainOn
from jepa_plugins.text.template import ChatTemplate
from jepa_plugins.text.text_set import TextSet
from jepa_plugins.text.tokenise import Tokenise
from jepa_plugins.text.tokenizer import add_predictors, chosen_tokenizer, template_of
from jepa_plugins.text.trained_tokenizer import TrainTokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

TRAIN, VALID, TEST = "train", "valid", "test"
Template = Annotated[str, OnDisk(besides=("plain",))]


def messages(
    context: DatasetContext,
    train: DataPathOrId,
    evaluation: dict[str, DataPathOrId] | None = None,
    valid_share: Annotated[float, Field(ge=0, lt=1)] = 0.0,
    limit: Annotated[int, Field(ge=1)] | None = None,
    max_length: Annotated[int, Field(ge=1)] | None = None,
    too_long: TooLong = "error",
    template: Template | None = None,
    train_on: TrainOn = "all",
    tokenizer: DataPathOrId | TrainTokenizer | None = None,
    seed: int | None = None,
    group_by_length: bool = False,
) -> TaskData:
    """Conversations of people and assistants: ``{"messages": [...]}`` or ``{"prompt": …, "completion": …}`` a row.

    train: a file of JSON Lines or parquet, a folder saved by the datasets library, or an id of the Hugging Face Hub
    (``org/name`` or ``org/name:config``, with the set's name as the part). evaluation: name -> the same, for each
    set to evaluate on. valid_share: the share of `train`, drawn by `seed` (null takes the recipe's), that is held out
    as ``valid`` instead. limit: the number of first rows read of each. max_length: the most tokens of a conversation;
    too_long: what to do with a longer one: ``error``, ``drop``, or ``truncate_prompt``, which takes tokens from the
    front of users' words. template: null for the tokenizer's own chat template, ``plain``, or a template's file.
    train_on: the tokens that are labels: ``all`` answers and their ends, the ``last`` one's, or ``every_token``.
    tokenizer: a folder or an id, null for the pretrained model's, or one trained on the data: ``{train: bytes}`` or
    ``{train: bpe, size: 1000}``. group_by_length: a step reads rows of like length, which saves padding on a GPU, and
    gives tokens of short rows more weight.
    """
    _check_numbers(limit=limit, max_length=max_length)
    share = _share(valid_share, context.seed if seed is None else seed)
    parts = _parts(context, {TRAIN: train, **_named(evaluation or {}, share)}, limit, share)
    chosen, name = chosen_tokenizer(context, tokenizer, parts[0])
    text, called = template_of(chosen, name, template, context.find)
    if template is not None:
        chosen.chat_template = text
    encoder = Encoder(chosen)
    rendered = ChatTemplate(chosen, text, called, encoder)
    tokenise = Tokenise(rendered, encoder, chosen.eos_token_id, train_on, max_length, too_long)
    bos = encoder.prefix[0] if encoder.prefix else chosen.bos_token_id
    vocabulary = add_predictors(chosen, context.k, context.distinct_pred, tokenise.stop_ids())

    def make(part: SourcePart, number: int, first: int) -> TextSet:
        made = part.samples(tokenise)
        return TextSet(*made, (part.name, number), vocabulary.pad_id, bos, first, group_by_length)

    def read(name: str) -> tuple[TextSet, list[str]]:
        part = SourcePart(Path(name).stem, source(name, TEST, (Path(), *context.search)))
        found = make(part, len(parts), sum(map(len, sets)))
        return found, found.notes

    sets: list[TextSet] = []
    for number, part in enumerate(parts):
        sets.append(make(part, number, sum(map(len, sets))))
    return TaskData(
        train=sets[0],
        evaluation={each.group_name: each for each in sets[1:]},
        vocabulary=vocabulary,
        tags=TAGS,
        groups=tuple(part.name for part in parts),
        ask=partial(_ask, tokenise, chosen),
        tokenizer_files=tokenizer_files(chosen),
        checks=text_checks(tokenise, parts),
        notes=[*rendered.notes, *(note for each in sets for note in each.notes)],
        read=read,
    )


def _ask(
    tokenise: Tokenise, tokenizer: PreTrainedTokenizerBase, data: TaskData, objective: JepaObjective, manner: Manner
) -> Asker:
    from jepa_plugins.text.ask import ask

    return ask(tokenise, tokenizer, data, objective, manner)


def _check_numbers(**options: int | None) -> None:
    for name, value in options.items():
        if value is not None and value < 1:
            raise ValueError(f"{name}: expected 1 or more, not {value}")


def _share(share: float, seed: int) -> Share | None:
    if not 0 <= share < 1:
        raise ValueError(f"valid_share: expected a share from 0 to below 1, not {share}")
    return Share(share, seed) if share else None


def _named(evaluation: Mapping[str, str], share: Share | None) -> Mapping[str, str]:
    """Returns the evaluation sets. Raises ValueError for a name that files or figures can't have."""
    taken = [TRAIN, VALID] if share else [TRAIN]
    for name in evaluation:
        if name in taken:
            raise ValueError(f"evaluation.{name}: expected another name, '{name}' is a part of the training data")
        if not re.fullmatch(r"\w[\w.-]*", name):
            raise ValueError(f"evaluation: '{name}': expected a name of letters, digits, '_', '-' and '.'")
    return evaluation


def _parts(
    context: DatasetContext, names: Mapping[str, str], limit: int | None, share: Share | None
) -> list[SourcePart]:
    """Makes the parts of the data, the training part first."""
    sources = {part: source(name, part, context.search) for part, name in names.items()}
    train = [SourcePart(TRAIN, sources.pop(TRAIN), limit, share)]
    if share is not None:
        train.append(replace(train[0], name=VALID, held_out=True))
    return [*train, *(SourcePart(name, rows, limit) for name, rows in sources.items())]


messages.splits = ("evaluation.*", VALID)  # type: ignore[attr-defined]


@hookimpl
def jepa_datasets() -> Mapping[str, object]:
    return {"messages": messages}
