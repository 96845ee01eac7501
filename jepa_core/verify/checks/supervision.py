"""Which tokens are labelled, and that nothing that matters is lost on the way to the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import torch

from jepa_core.objective.plan import Plan, append_predictors
from jepa_core.objective.planner import Planner
from jepa_core.objective.room import refuse_overflow
from jepa_core.samples.samples import Role
from jepa_core.verify.context import Context, mode
from jepa_core.verify.row import Row, Verdict, at_most, not_applicable, source_of
from jepa_core.verify.words import ROLES, count
from jepa_plugins.facts.fact_set import Batch


def supervision(context: Context) -> Iterator[Row]:
    """Looks at all samples at hand: labels as the dataset gives them, and as the plan uses them."""
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
    """Labels are unshifted: the objective shifts them."""
    labelled = batch["labels"] >= 0
    wrong = int((labelled & (batch["labels"] != batch["input_ids"])).sum())
    roles = Counter(batch["roles"][labelled].tolist())
    per_role = ", ".join(f"{n:,} {ROLES.get(role, role)}" for role, n in roles.items())
    told = f"{per_role} tokens labelled in {len(labelled):,} samples, e.g. {_marked(batch, 0, context)}"
    return at_most("labels that are not the token they stand at", wrong, 0, told, source)


def _marked(batch: Batch, row: int, context: Context) -> str:
    """A sample in words, its labelled tokens in square brackets."""
    real = batch["roles"][row] != Role.PAD
    pairs = zip(batch["input_ids"][row][real].tolist(), (batch["labels"][row][real] >= 0).tolist(), strict=True)
    names = ((context.run.vocabulary.name(i), labelled) for i, labelled in pairs)
    return " ".join(f"[{name}]" if labelled else name for name, labelled in names)


def _to_the_end(batch: Batch, context: Context, source: str) -> Row:
    """Where there are labels, the answer has them in full, and so has what ends the sample."""
    name = "samples whose answer is not labelled to its end"
    labelled = batch["labels"] >= 0
    if not labelled.any():
        return not_applicable(name, "no sample has a label", source)
    last = (batch["roles"] != Role.PAD).sum(dim=1) - 1
    ends = labelled[torch.arange(len(last)), last]
    gaps = ((batch["roles"] == Role.TAIL) & ~labelled).any(dim=1)
    wrong = labelled.any(dim=1) & (gaps | ~ends)
    end_tokens = Counter(batch["input_ids"][torch.arange(len(last)), last].tolist())
    several = count(len(end_tokens), "different token")
    told = f"{int(ends.sum()):,} of {len(ends):,} samples have their last token labelled ({several})"
    if wrong.any():
        told += f"; not so: {_marked(batch, int(wrong.nonzero()[0]), context)}"
    return at_most(name, int(wrong.sum()), 0, told, source)


def _next_token(plan: Plan, batch: Batch, source: str) -> Row:
    """Each label is asked of the token before it."""
    labels = batch["labels"]
    inside = plan.label_columns + 1 < labels.shape[1]
    asked = labels[plan.label_rows[inside], plan.label_columns[inside] + 1]
    wrong = int((asked != plan.label_ids[inside]).sum()) + int((~inside).sum())
    for of_view in plan.view_labels:
        wrong += int((plan.blocks[of_view.block].ids[of_view.rows, of_view.columns + 1] != of_view.ids).sum())
    told = f"{count(plan.labels, 'label')} in the plan, each asked of the token before it"
    return at_most("labels not asked of the token before them", wrong, 0, told, source)


def _nothing_lost(context: Context, plan: Plan, batch: Batch, source: str) -> Row:
    """Every token of every sample, and all its predictor tokens, are in a block of the plan."""
    k = len(context.objective.planner.pred_ids)
    sources = {pair[0].block for pair in plan.pairs}
    real = (batch["roles"] != Role.PAD).sum(dim=1)
    own = plan.blocks[0].roles
    lost = ((own != Role.PAD) & (own != Role.PRED)).sum(dim=1) < real
    for block in sources:
        preds = (plan.blocks[block].roles == Role.PRED).sum(dim=1)
        lost[plan.blocks[block].sample[preds != k]] = True
    shortest, longest = int(real.min()), int(real.max())
    told = f"{len(real):,} samples of {shortest} to {longest} tokens, and {k} predictor tokens where there is a pair"
    return at_most("samples that lose tokens to truncation", int(lost.sum()), 0, told, source)


def _room(context: Context, plan: Plan, source: str) -> Row:
    """The highest position of a real token; the longest samples of all sets were looked at when it was built."""
    table = context.objective.transformer.max_positions
    made = (block for block in plan.blocks if block.ids.numel())
    highest = max(int(block.positions.where(block.roles != Role.PAD, 0).max()) for block in made)
    name = "highest position id"
    if table is None:
        return Row(name, Verdict.PASS, highest, "", "this model has no table of positions", source)
    return at_most(name, highest, table - 1, f"the model has {table} positions", source)
