"""Who pays which loss: pairs only of the samples that the filters leave, and second views of nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

import torch
from torch import Tensor

from jepa_core.components import LossFilter, declared
from jepa_core.objective.plan import Plan
from jepa_core.objective.planner import Planner
from jepa_core.samples.draws import uniform
from jepa_core.samples.samples import Facts, Role, SampleType
from jepa_core.verify.context import Context, mode
from jepa_core.verify.row import Row, Verdict, at_most, not_applicable, source_of
from jepa_core.verify.words import count
from jepa_core.views.pairs import NewBlock
from jepa_plugins.facts.fact_set import Batch

#: Draws looked at, at least (and for a quick look), and standard errors allowed: a right rate fails once in
#: 16,000 seeds.
DRAWS, FEW_DRAWS, Z = 20_000, 2_000, 4.0


def selective(context: Context) -> Iterator[Row]:
    """Plans a batch of all types as training does, and asks the filters and the strategy one by one."""
    batch = _all_types(context)
    with mode(context.objective, filters=True):
        plan = context.objective.plan(batch)
    planner = context.objective.planner
    expected = _left_by_filters(planner, batch, step=0)
    yield _pairs(plan, expected, batch, source_of(Planner.eligible))
    yield _second_views(context, plan, expected, batch, source_of(Planner._lay_out))
    labelled = int((batch["labels"][:, 1:] >= 0).sum())
    own, of_views = len(plan.label_ids), plan.labels - len(plan.label_ids)
    facts = Facts(batch["input_ids"], batch["roles"])
    owed = sum(_new_labels(context, facts[row]) for row in expected.nonzero())
    told = f"{count(labelled, 'label')} in the batch, {own} in the loss: every sample pays NTP"
    told += f" (and {of_views} of {count(owed, 'label')} of second views)" if owed or of_views else ""
    wrong = abs(own - labelled) + abs(of_views - owed)
    yield at_most("labels left out of NTP, or counted twice", wrong, 0, told, source_of(Planner.__call__))
    yield from _rates(context)


def _all_types(context: Context) -> Batch:
    """The training batch, and some samples of every evaluation set."""
    train = context.run.train_dataset
    size = len(context.batch["index"])
    samples = [train[row] for row in context.training_rows[:: max(1, len(context.training_rows) // size)]]
    for data_set in context.run.eval_datasets.values():
        samples += [data_set[i] for i in range(min(8, len(data_set)))]
    return context.run.collate(samples)


def _left_by_filters(planner: Planner, batch: Batch, step: int) -> Tensor:
    """``b`` bool: filter by filter, as the contract says, without the planner."""
    left = torch.full_like(batch["index"], planner.enabled, dtype=torch.bool)
    for stream, keep in enumerate(planner.filters):
        left = left & keep(left, batch, _draws(planner, keep, stream, batch, step))
    return left


def _draws(planner: Planner, keep: LossFilter, stream: int, batch: Batch, step: int) -> Tensor:
    whole_step = declared("filter", keep, "draws_per") == "step"
    return uniform(planner.seed, step, torch.zeros_like(batch["index"]) if whole_step else batch["index"], stream)


def _pairs(plan: Plan, expected: Tensor, batch: Batch, source: str) -> Row:
    """Every view of every pair is of exactly the expected samples."""
    wanted = set(expected.nonzero().flatten().tolist())
    counted = [set(plan.blocks[v.block].sample[v.rows].tolist()) for pair in plan.pairs for v in pair]
    wrong = len(set().union(*(samples ^ wanted for samples in counted))) if counted else len(wanted)
    per_sample = len(plan.pairs)
    told = "\n".join(
        f"{kind.name.lower()}: {count(int(of.sum()), 'sample')}, NTP for {_labelled(batch, of)}, "
        f"JEPA for {int((of & expected).sum())}"
        for kind in SampleType
        if (of := batch["sample_type"] == kind).any()
    )
    wrong += abs(plan.jepa_pairs - len(wanted) * per_sample)
    return at_most("samples whose JEPA loss is paid wrongly", wrong, 0, told, source)


def _labelled(batch: Batch, of: Tensor) -> int:
    return int(((batch["labels"][:, 1:] >= 0).any(dim=1) & of).sum())


def _second_views(context: Context, plan: Plan, expected: Tensor, batch: Batch, source: str) -> Row:
    """Counts the tokens of new blocks against those of the expected samples' own views, made one by one."""
    made = sum(int((block.roles != Role.PAD).sum()) for block in plan.blocks[1:])
    facts = Facts(batch["input_ids"], batch["roles"])
    owed = sum(_new_tokens(context, facts[expected.nonzero()[i]]) for i in range(int(expected.sum())))
    samples = count(int(expected.sum()), "sample")
    told = (
        f"{count(made, 'token')} of second views for the {samples} that pay JEPA, of "
        f"{len(expected)}; dropped and ineligible ones cost none"
    )
    return at_most("tokens of second views too many or too few", abs(made - owed), 0, told, source)


def _new_tokens(context: Context, fact: Facts) -> int:
    """Tokens of the new blocks of one fact, predictor tokens of new sources included."""
    planner, tokens = context.objective.planner, 0
    for source, target in planner.reversal(fact).pairs:
        tokens += len(planner.pred_ids) * isinstance(source, NewBlock)
        tokens += sum(int(view.facts.valid.sum()) for view in (source, target) if isinstance(view, NewBlock))
    return tokens


def _new_labels(context: Context, fact: Facts) -> int:
    """Labels of the new blocks of one fact."""
    views = [view for pair in context.objective.planner.reversal(fact).pairs for view in pair]
    return sum(int((v.labels >= 0).sum()) for v in views if isinstance(v, NewBlock) and v.labels is not None)


def _rates(context: Context) -> Iterator[Row]:
    """A line for each filter that draws and says at what rate."""
    planner = context.objective.planner
    for stream, keep in enumerate(planner.filters):
        rate = declared("filter", keep, "rate")
        if rate is None:
            continue
        name, source = f"share dropped by {type(keep).__name__}", source_of(keep)
        if context.nothing_counts:
            yield not_applicable(name, context.nothing_counts, source)
            continue
        dropped, draws = _observe(context, keep, stream)
        low, high = interval(dropped, draws)
        per = declared("filter", keep, "draws_per")
        told = f"{dropped:,} of {draws:,} draws (one a {per}) dropped: {low:.4f} to {high:.4f} at {Z:g} standard errors"
        fits = Verdict.PASS if low - 1e-9 <= rate <= high + 1e-9 else Verdict.FAIL
        yield Row(name, fits, dropped / draws, f"{rate:g} asked", told, source)


def _observe(context: Context, keep: LossFilter, stream: int) -> tuple[int, int]:
    """(dropped, draws) over training samples that count otherwise, and over as many steps as it takes."""
    planner, train = context.objective.planner, context.run.train_dataset
    per_step = declared("filter", keep, "draws_per") == "step"
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
