"""Checks who pays which loss: only samples that the filters leave have pairs, and second views."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

import torch
from torch import Tensor

from jepa_core.assembly.counting import silent_terms
from jepa_core.components import FilterTraits, LossFilter
from jepa_core.objective.plan import Plan
from jepa_core.objective.planner import Planner
from jepa_core.objective.schedule import weight_at
from jepa_core.samples.draws import uniform
from jepa_core.samples.sample_set import Batch
from jepa_core.samples.samples import PAD, Samples
from jepa_core.verify.context import Context, mode
from jepa_core.verify.row import Row, Verdict, at_most, not_applicable, source_of
from jepa_core.verify.words import count
from jepa_core.views.pairs import NewBlock

#: The fewest draws counted (and for a quick look), and the standard errors allowed: a right rate fails once in
#: 16,000 seeds.
DRAWS, FEW_DRAWS, Z = 20_000, 2_000, 4.0


def selective(context: Context) -> Iterator[Row]:
    """Plans a batch of all groups as training does, and asks the filters and the strategies one by one."""
    batch, planner = _all_groups(context), context.objective.planner
    with mode(context.objective, filters=True):
        plan = context.objective.plan(batch)
    expected = [_left_by_filters(planner, number, batch, step=0) for number in range(len(planner.spec.terms))]
    for number, (term, left) in enumerate(zip(planner.spec.terms, expected, strict=True)):
        of_term = f" ({term.name})" if number else ""
        yield _pairs(context, plan, number, left, batch, of_term, source_of(Planner.eligible))
    owed = [_owed(context, number, batch, left) for number, left in enumerate(expected)]
    yield _second_views(plan, sum(tokens for tokens, _ in owed), expected, source_of(Planner.__call__))
    labelled = int((batch["labels"][:, 1:] >= 0).sum())
    own, of_views = len(plan.own_labels.ids), plan.labels - len(plan.own_labels.ids)
    owed_labels = sum(labels for _, labels in owed)
    told = f"{count(labelled, 'label')} in the batch, {own} in the loss: every sample pays NTP"
    told += f" (and {of_views} of {count(owed_labels, 'label')} of second views)" if owed_labels or of_views else ""
    wrong = abs(own - labelled) + abs(of_views - owed_labels)
    yield at_most("labels left out of NTP, or counted twice", wrong, 0, told, source_of(Planner.__call__))
    for name, why in silent_terms(context.objective, context.run.train_dataset).items():
        reason = f"in training none ever does: {why}"
        yield not_applicable(f"a {name} pair that counts", reason, source_of(silent_terms))
    for number in range(len(planner.spec.terms)):
        yield from _rates(context, number)


def _all_groups(context: Context) -> Batch:
    """Collates about as many training samples as the batch has, and some of every evaluation set."""
    train = context.run.train_dataset
    size = len(context.batch["index"])
    samples = [train[row] for row in context.training_rows[:: max(1, len(context.training_rows) // size)]]
    for data_set in context.run.eval_datasets.values():
        samples += [data_set[i] for i in range(min(8, len(data_set)))]
    return context.run.collate(samples)


def _left_by_filters(planner: Planner, number: int, batch: Batch, step: int) -> Tensor:
    """Applies the filters one by one, as the contract says, without the planner; returns ``b`` bool."""
    term = planner.spec.terms[number]
    left = torch.full_like(batch["index"], weight_at(term.weight, step) > 0, dtype=torch.bool)
    for stream, keep in enumerate(term.filters):
        left = left & keep(left, batch, _draws(planner, keep, stream + (number << 8), batch, step))
    return left


def _draws(planner: Planner, keep: LossFilter, stream: int, batch: Batch, step: int) -> Tensor:
    whole_step = FilterTraits.of(keep).draws_per == "step"
    index = torch.zeros_like(batch["index"]) if whole_step else batch["index"]
    return uniform(planner.spec.seed, step, index, stream)


def _pairs(context: Context, plan: Plan, number: int, expected: Tensor, batch: Batch, of_term: str, source: str) -> Row:
    """Checks that the views of a term's pairs belong to exactly the expected samples."""
    wanted, planned = set(expected.nonzero().flatten().tolist()), plan.terms[number]
    counted = [set(plan.blocks[v.block].sample[v.rows].tolist()) for pair in planned.pairs for v in pair]
    wrong = len(set().union(*(samples ^ wanted for samples in counted))) if counted else len(wanted)
    told = "\n".join(
        f"{name}: {count(int(of.sum()), 'sample')}, NTP for {_labelled(batch, of)}, "
        f"JEPA for {int((of & expected).sum())}"
        for group, name in enumerate(context.run.data.groups)
        if (of := batch["group"] == group).any()
    )
    wrong += abs(planned.count - len(wanted) * len(planned.pairs))
    return at_most(f"samples whose JEPA loss is paid wrongly{of_term}", wrong, 0, told, source)


def _labelled(batch: Batch, of: Tensor) -> int:
    return int(((batch["labels"][:, 1:] >= 0).any(dim=1) & of).sum())


def _second_views(plan: Plan, owed: int, expected: list[Tensor], source: str) -> Row:
    """Counts the tokens of new blocks against those of the expected samples' own views, made one by one."""
    made = sum(int((block.tags != PAD).sum()) for block in plan.blocks[1:])
    samples = count(sum(int(left.sum()) for left in expected), "sample")
    told = (
        f"{count(made, 'token')} of second views for the {samples} that pay JEPA, of "
        f"{len(expected[0])}; dropped and ineligible ones cost none"
    )
    return at_most("tokens of second views too many or too few", abs(made - owed), 0, told, source)


def _owed(context: Context, number: int, batch: Batch, expected: Tensor) -> tuple[int, int]:
    """Counts the tokens and labels of the new blocks that a term should have, each expected sample made by itself."""
    planner, tokens, labels = context.objective.planner, 0, 0
    k = len(planner.pred_ids)
    for row in expected.nonzero():
        for source, target in planner.views(number, Samples.of_batch(batch)[row], batch["index"][row], step=0).pairs:
            tokens += k * (isinstance(source, NewBlock) or source.branch)
            for view in (source, target):
                if isinstance(view, NewBlock):
                    tokens += int(view.samples.valid.sum())
                    labels += 0 if view.labels is None else int((view.labels >= 0).sum())
    return tokens, labels


def _rates(context: Context, number: int) -> Iterator[Row]:
    """Yields a line for each filter that draws and declares its rate."""
    for stream, keep in enumerate(context.objective.spec.terms[number].filters):
        rate = FilterTraits.of(keep).rate
        if rate is None:
            continue
        name, source = f"share dropped by {type(keep).__name__}", source_of(keep)
        if context.nothing_counts:
            yield not_applicable(name, context.nothing_counts, source)
            continue
        dropped, draws = _observe(context, keep, stream + (number << 8))
        low, high = interval(dropped, draws)
        per = FilterTraits.of(keep).draws_per
        told = f"{dropped:,} of {draws:,} draws (one a {per}) dropped: {low:.4f} to {high:.4f} at {Z:g} standard errors"
        fits = Verdict.PASS if low - 1e-9 <= rate <= high + 1e-9 else Verdict.FAIL
        yield Row(name, fits, dropped / draws, f"{rate:g} asked", told, source)


def _observe(context: Context, keep: LossFilter, stream: int) -> tuple[int, int]:
    """Counts (dropped, draws) over training samples that would count, and as many steps as it takes."""
    planner, train = context.objective.planner, context.run.train_dataset
    per_step = FilterTraits.of(keep).draws_per == "step"
    batch = train.__getitems__(context.counted_rows[: 1 if per_step else None])
    everyone = torch.ones_like(batch["index"], dtype=torch.bool)
    draws = FEW_DRAWS if context.quick or per_step else DRAWS
    steps = -(-draws // len(everyone))
    kept = sum(int(keep(everyone, batch, _draws(planner, keep, stream, batch, step)).sum()) for step in range(steps))
    draws = steps * len(everyone)
    return draws - kept, draws


def interval(hits: int, draws: int) -> tuple[float, float]:
    """Wilson's score interval of a share (Wilson 1927), `Z` standard errors wide to each side."""
    share, z = hits / draws, Z * Z / draws
    middle = (share + z / 2) / (1 + z)
    half = Z / (1 + z) * sqrt(share * (1 - share) / draws + z / (4 * draws))
    return max(0.0, middle - half), min(1.0, middle + half)
