"""Checks that one big batch, accumulated micro-batches and several processes give the same gradient."""

from __future__ import annotations

from collections.abc import Iterator

from jepa_core.components import DistanceTraits
from jepa_core.verify.checks.layouts import BOUND
from jepa_core.verify.context import Context, gradient_difference, spread
from jepa_core.verify.row import Row, at_most, not_applicable, source_of

#: Samples of the step: every split divides 12, and the counted ones come first, so that the last of four
#: micro-batches has no pair.
SAMPLES, COUNTED, DIVISIBLE_BY = 24, 15, 12
SPLITS = (2, 4)


def denominators(context: Context) -> Iterator[Row]:
    """Runs the real trainer for one step, split in different ways."""
    from jepa_core.training.finite import NonFiniteError
    from jepa_core.training.trainer import JepaTrainer  # takes seconds
    from jepa_core.verify.one_step import step_gradient

    source = source_of(JepaTrainer.compute_loss)
    ways = {f"{parts} micro-batches": parts for parts in SPLITS}
    if context.processes > 1:
        ways |= {f"{context.processes} processes": context.processes}
    rows = step_rows(context)
    whole, none = {}, "" if rows else f"there are only {len(context.training_rows)} training samples"
    apart = _why_not_apart(context)
    try:
        whole = {} if none else step_gradient(context.run, rows, len(rows), 1)
    except NonFiniteError:
        none = "the loss or its gradient is not finite (see health)"
    for way, parts in ways.items():
        name, why = f"{way}, against one batch", none or ("" if "processes" in way else apart)
        if why:
            yield not_applicable(name, why, source)
            continue
        if "processes" in way:
            from jepa_core.verify.torchrun import gradient_in_processes

            split = gradient_in_processes(context, rows)
        else:
            split = step_gradient(context.run, rows, len(rows) // parts, parts)
        difference, parameter = gradient_difference(split, whole)
        pairs = len(set(rows) & set(context.counted_rows))
        told = f"{len(rows)} samples, {pairs} with a pair; largest difference of the gradient in {parameter}"
        yield at_most(name, difference, BOUND, told, source)


def _why_not_apart(context: Context) -> str:
    """The reason why accumulation makes another loss, empty where it does not; processes see their pairs together."""
    if context.nothing_counts:
        return ""
    terms = context.objective.spec.terms
    for distance in (term.distance for term in terms):
        if not DistanceTraits.of(distance).decomposable:
            return f"{type(distance).__name__} declares that it is no sum over pairs: another split is another loss"
    if any(term.regularizers for term in terms):
        return "a regularizer is of all embeddings of a step together: accumulation is refused"
    return ""


def step_rows(context: Context) -> list[int]:
    """Picks training samples, counted ones first, as many as every split divides."""
    first = spread(context.counted_rows, COUNTED if context.other_rows else SAMPLES)
    rows = [*first, *spread(context.other_rows, SAMPLES - len(first))]
    return rows[: len(rows) // DIVISIBLE_BY * DIVISIBLE_BY]
