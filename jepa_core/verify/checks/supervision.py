"""Checks which tokens are labelled, and that nothing of them is lost on the way to the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import torch

from jepa_core.objective.plan import Plan, append_predictors
from jepa_core.objective.planner import Planner
from jepa_core.objective.room import refuse_overflow
from jepa_core.samples.sample_set import Batch
from jepa_core.samples.samples import PAD, PRED, Samples
from jepa_core.verify.context import Context, mode
from jepa_core.verify.row import Row, Verdict, at_most, not_applicable, source_of
from jepa_core.verify.words import count, tag_names


def supervision(context: Context) -> Iterator[Row]:
    """Checks all samples at hand: the labels as the dataset gives them, and as the plan uses them."""
    batch = context.training
    dataset, planner = source_of(type(context.run.train_dataset).__getitems__), source_of(Planner.__call__)
    yield _labels_are_the_tokens(batch, context, dataset)
    yield _to_the_end(batch, context, dataset)
    with mode(context.objective, filters=False):
        plan = context.objective.plan(batch)
    yield _next_token(plan, batch, planner)
    yield _nothing_lost(context, plan, batch, source_of(append_predictors))
    yield _room(context, plan, source_of(refuse_overflow))


def _labels_are_the_tokens(batch: Batch, context: Context, source: str) -> Row:
    """Checks that labels are unshifted, each its own token; the objective shifts them."""
    labelled = batch["labels"] >= 0
    wrong = int((labelled & (batch["labels"] != batch["input_ids"])).sum())
    tags, names = Counter(batch["tags"][labelled].tolist()), tag_names(context.run.data.tags)
    per_role = ", ".join(f"{n:,} {names.get(tag, tag)}" for tag, n in tags.items())
    told = f"{per_role} tokens labelled in {len(labelled):,} samples, e.g. {_marked(batch, 0, context)}"
    return at_most("labels that are not the token they stand at", wrong, 0, told, source)


def _marked(batch: Batch, row: int, context: Context) -> str:
    """Writes a sample in words, its labelled tokens in square brackets."""
    real = batch["tags"][row] != PAD
    pairs = zip(batch["input_ids"][row][real].tolist(), (batch["labels"][row][real] >= 0).tolist(), strict=True)
    names = ((context.run.vocabulary.spelled(i), labelled) for i, labelled in pairs)
    return " ".join(f"[{name}]" if labelled else name for name, labelled in names)


def _to_the_end(batch: Batch, context: Context, source: str) -> Row:
    """Checks that from a sample's first label on every token tagged like labelled ones has a label; and, where the
    dataset tells the question, everything after it too."""
    name = "samples whose answer is not labelled to its end"
    labelled = batch["labels"] >= 0
    if not labelled.any():
        return not_applicable(name, "no sample has a label", source)
    last = (batch["tags"] != PAD).sum(dim=1) - 1
    ends = labelled[torch.arange(len(last)), last]
    answer = torch.isin(batch["tags"], batch["tags"][labelled].unique()) & (labelled.cumsum(dim=1) > 0)
    if context.run.data.asked is not None:
        asks = context.run.data.asked(Samples.of_batch(batch)).question
        after = asks.flip(1).cumsum(dim=1).flip(1) == 0
        answer |= after & (batch["tags"] != PAD) & asks.any(dim=1, keepdim=True) & labelled.any(dim=1, keepdim=True)
    wrong = (answer & ~labelled).any(dim=1)
    end_tokens = Counter(batch["input_ids"][torch.arange(len(last)), last].tolist())
    several = count(len(end_tokens), "different token")
    told = f"{int(ends.sum()):,} of {len(ends):,} samples have their last token labelled ({several})"
    if wrong.any():
        told += f"; not so: {_marked(batch, int(wrong.nonzero()[0]), context)}"
    return at_most(name, int(wrong.sum()), 0, told, source)


def _next_token(plan: Plan, batch: Batch, source: str) -> Row:
    """Checks that each label is asked of the token before it."""
    labels = batch["labels"]
    own, *of_views = plan.labels_by_block
    inside = own.columns + 1 < labels.shape[1]
    asked = labels[own.rows[inside], own.columns[inside] + 1]
    wrong = int((asked != own.ids[inside]).sum()) + int((~inside).sum())
    for of_view in of_views:
        wrong += int((plan.blocks[of_view.block].ids[of_view.rows, of_view.columns + 1] != of_view.ids).sum())
    told = f"{count(plan.labels, 'label')} in the plan, each asked of the token before it"
    return at_most("labels not asked of the token before them", wrong, 0, told, source)


def _nothing_lost(context: Context, plan: Plan, batch: Batch, source: str) -> Row:
    """Checks that every token of every sample, and all its predictor tokens, are in a block of the plan."""
    k = len(context.objective.planner.pred_ids)
    sources = {pair.source.block for pair in plan.pairs}
    real = (batch["tags"] != PAD).sum(dim=1)
    own = plan.blocks[0].tags
    lost = ((own != PAD) & (own != PRED)).sum(dim=1) < real
    for block in sources:
        preds = (plan.blocks[block].tags == PRED).sum(dim=1)
        lost[plan.blocks[block].sample[preds != k]] = True
    shortest, longest = int(real.min()), int(real.max())
    told = f"{len(real):,} samples of {shortest} to {longest} tokens, and {k} predictor tokens where there is a pair"
    return at_most("samples that lose tokens to truncation", int(lost.sum()), 0, told, source)


def _room(context: Context, plan: Plan, source: str) -> Row:
    """Checks the highest position of a real token; the build has checked the longest samples of all sets."""
    table = context.objective.transformer.max_positions
    made = (block for block in plan.blocks if block.ids.numel())
    highest = max(int(block.positions.where(block.tags != PAD, 0).max()) for block in made)
    name = "highest position id"
    if table is None:
        return Row(name, Verdict.PASS, highest, "", "this model has no table of positions", source)
    return at_most(name, highest, table - 1, f"the model has {table} positions", source)
