"""``facts``: facts written in words, some of them trained in one direction only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from random import Random
from typing import Annotated

from pydantic import Field

from jepa_core import DataError, DataPath, DatasetContext, hookimpl
from jepa_core.model.tokenizer import load_tokenizer, tokenizer_files
from jepa_plugins.facts.fact_lines import read_fact_lines
from jepa_plugins.facts.folder import SPLITS
from jepa_plugins.facts.foreign_ids import refuse_foreign_ids
from jepa_plugins.facts.held_out import HeldOut, keep_half
from jepa_plugins.facts.leaks import check_leaks
from jepa_plugins.facts.relations import read_relations
from jepa_plugins.facts.task import FactTask
from jepa_plugins.facts.tokenizer import add_specials, encode_names, word_tokenizer
from jepa_plugins.facts.triples import as_task, two_groups, unique_triples
from jepa_plugins.facts.vocabulary import pred_names


def facts(
    context: DatasetContext,
    path: DataPath,
    relations: DataPath,
    tokenizer: DataPath | None = None,
    one_way_share: Annotated[float, Field(gt=0, lt=1)] = 0.25,
    seed: int | None = None,
    evaluation_samples: Annotated[int, Field(ge=1)] = 3000,
    held_out: HeldOut = "all",
) -> FactTask:
    """Facts written in words: a JSON Lines file of head, relation and tail.

    relations: a YAML file of ``inverse_pairs`` and ``symmetric`` relations, from which the direction follows that
    the facts do not state. tokenizer: a Hugging Face tokenizer's folder; null makes a token of
    every word. one_way_share: the share of the facts trained in one direction, drawn at random, and asked in the
    other; they share no entity with the rest, which is trained in both. seed: null takes the
    recipe's. evaluation_samples: the most facts in each evaluation split. held_out: the test facts kept,
    all or one of two fixed halves, ``tune`` to choose settings by and ``report`` to report.
    """
    if not 0 < one_way_share < 1:
        raise ValueError(f"one_way_share: expected a share between 0 and 1, not {one_way_share}")
    if evaluation_samples < 1:
        raise ValueError(f"evaluation_samples: expected 1 or more, not {evaluation_samples}")
    file, relations_file = context.find(path), context.find(relations)
    known = read_relations(relations_file)
    lines = read_fact_lines(file, known.names, str(relations_file))

    chosen = word_tokenizer(lines.names) if tokenizer is None else load_tokenizer(context.find(tokenizer))
    predictors = pred_names(max(context.k, 1), context.distinct_pred)
    vocabulary = add_specials(chosen, known, predictors, str(relations_file))
    spelling = encode_names(chosen, lines.names, lines.line_of, str(file))
    triples = unique_triples(lines, spelling, known, str(file))

    if tokenizer is None:
        refuse_foreign_ids(context, vocabulary, f"data.tokenizer: {context.pretrained}")

    rng = Random(context.seed if seed is None else seed)
    try:
        both, one = two_groups(triples, known, one_way_share, rng)
        task = as_task(both, one, spelling, known, vocabulary, evaluation_samples, rng)
    except DataError as error:
        raise DataError(f"{file}: {error}") from error
    check_leaks(task, f"{file}: training set", f"{file}: test set")
    vocabulary = vocabulary.with_predictors(context.k, context.distinct_pred)
    task = replace(task, vocabulary=vocabulary, tokenizer_files=tokenizer_files(chosen))
    return keep_half(task, held_out)


facts.splits = SPLITS  # type: ignore[attr-defined]


@hookimpl
def jepa_datasets() -> Mapping[str, object]:
    return {"facts": facts}
