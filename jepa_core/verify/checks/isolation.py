"""Checks that a changed token moves no other view, earlier token or other sample, and changed padding nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch

from jepa_core.components import MaskTraits
from jepa_core.errors import ComponentError
from jepa_core.model.double import in_double
from jepa_core.objective.layouts import choose
from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.plan import Plan, PlannedView
from jepa_core.verify.context import Context, mode
from jepa_core.verify.perturb import Movements, Probe, measure, worst
from jepa_core.verify.row import Row, Verdict, at_most, not_applicable, source_of
from jepa_core.views.visibility import visible

#: The most columns of a block that are changed, one after the other; and for a quick look.
COLUMNS, FEW_COLUMNS = 16, 2
#: Movements that may be rounding are measured again in double precision: below the first figure, and below the second.
ROUNDING, DOUBLE_ROUNDING = 1e-3, 1e-11


def isolation(context: Context) -> Iterator[Row]:
    """Changes tokens of a few samples, in the layout that trains and in one packed row."""
    found = _by_layout(context)
    yield from _between_blocks(context, found)
    yield from _in_one_block(context)
    causal, layouts = source_of(visible), source_of(choose)
    yield _nothing_moves("no token sees a later one", {name: m.earlier for name, m in found.items()}, causal)
    own = min(moved.own for moved in found.values())
    seen = Verdict.PASS if own > 0 else Verdict.FAIL
    told = "the least movement of a changed token's own state; without one the other lines would prove nothing"
    yield Row("a changed token itself moves", seen, own, "> 0", told, layouts)
    for name, figures, nothing in (
        ("samples don't see each other", {n: m.samples for n, m in found.items()}, "there is one sample only"),
        ("padding changes nothing", {n: m.padding for n, m in found.items()}, "these samples need no padding"),
    ):
        known = {layout: figure for layout, figure in figures.items() if figure is not None}
        yield _nothing_moves(name, known, layouts) if known else not_applicable(name, nothing, layouts)


def _by_layout(context: Context) -> dict[str, Movements]:
    """Layout -> movements, on the model in its own dtype and attention implementation."""
    own = context.objective
    found = {own.layout.name: _measured(context, own)}
    if own.layout.name == "packed":
        return found
    try:
        return found | {"packed": _measured(context, context.packed)}
    except ComponentError:  # this model can't take a mask of ours; the layout line says so
        return found


def _measured(context: Context, objective: JepaObjective) -> Movements:
    """Measures movements, again in double precision where some may be mere rounding: in a mixture of experts the
    rounding depends on which tokens share an expert."""
    columns = FEW_COLUMNS if context.quick else COLUMNS
    with mode(objective, filters=False):
        plan = objective.plan(context.few)
        found = measure(objective, plan, columns)
        if not any(map(may_be_rounding, found.of_others())) or context.device.type == "mps":
            return found
        with in_double(objective.model):
            return measure(objective, plan, columns).above(DOUBLE_ROUNDING)


def may_be_rounding(figure: float) -> bool:
    return 0 < figure < ROUNDING


def _between_blocks(context: Context, found: Mapping[str, Movements]) -> Iterator[Row]:
    builder = context.objective.spec.mask
    source = source_of(builder)
    pairs = list(next(iter(found.values())).crossing)
    if not pairs:
        one_block = "both views are parts of the sample, in one block: there is nothing to keep apart"
        yield not_applicable("views don't see each other", context.nothing_counts or one_block, source)
    for changed, other in pairs:
        name = f"change block {changed}: block {other} stays"
        row = _nothing_moves(name, {layout: m.crossing[changed, other] for layout, m in found.items()}, source)
        if MaskTraits.of(builder).isolates_views:
            yield row
        else:
            reason = f"{type(builder).__name__} declares isolates_views = False; {row.evidence}"
            yield Row(name, Verdict.NA, row.figure, "", reason, source)


def _in_one_block(context: Context) -> Iterator[Row]:
    """Warns of a target in one block with its source that sees the source, and so holds what predicts it; it may be
    meant."""
    objective = context.objective
    with mode(objective, filters=False):
        plan = objective.plan(context.few)
        together = {i: pair for i, pair in enumerate(plan.pairs) if pair.source.block == pair.target.block}
        layers = [term.target.layer for term, each in zip(objective.terms, plan.terms, strict=True) for _ in each.pairs]

        def look() -> dict[int, float]:
            return {
                i: _moved_by_source(objective, plan, pair.source, pair.target, layers[i])
                for i, pair in together.items()
            }

        moved = look()
        if any(map(may_be_rounding, moved.values())) and context.device.type != "mps":
            with in_double(objective.model):
                moved = {i: figure if figure > DOUBLE_ROUNDING else 0.0 for i, figure in look().items()}
    for number, figure in moved.items():
        name = "the target does not see the source" + (f" (pair {number})" if len(plan.pairs) > 1 else "")
        verdict = Verdict.PASS if figure == 0 else Verdict.WARN
        told = f"largest movement of the target's states, where they are read, when the source changes: {figure:.3g}"
        yield Row(name, verdict, figure, "= 0", told, source_of(objective.spec.mask))


def _moved_by_source(
    objective: JepaObjective, plan: Plan, source: PlannedView, target: PlannedView, layer: int
) -> float:
    change = [torch.zeros_like(block.tags, dtype=torch.bool) for block in plan.blocks]
    change[source.block][source.rows] = source.select & ~target.select
    moved = Probe(objective, plan).movements(change)[target.block][target.rows][target.select]
    return float(moved[:, objective.transformer.readable.index(layer)].max())


def _nothing_moves(name: str, figures: Mapping[str, float], source: str) -> Row:
    told = ", ".join(f"{layout} {figure:.3g}" for layout, figure in figures.items())
    return at_most(name, worst(list(figures.values())), 0, f"largest movement of a hidden state: {told}", source)
