"""Checks that everything is finite, that embeddings differ, and that each loss term pulls at the model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext

import torch

from jepa_core.evaluation.health import (
    ALIKE,
    FEW_DIRECTIONS,
    PAIRS,
    Health,
    collapsed,
    effective_rank,
    mean_cosine,
    measure_health,
)
from jepa_core.objective.objective import JepaObjective
from jepa_core.verify.context import Context, gradients, mode
from jepa_core.verify.row import Row, Verdict, at_most, not_applicable, source_of
from jepa_core.verify.words import count


def health(context: Context) -> Iterator[Row]:
    """Measures one batch: losses and gradients of a training step, and the health figures without dropout."""
    yield _finite(context)
    found = measure_health(context.objective, context.batch)
    yield from _collapse(context, found)
    yield from _pull(context, found)


def _finite(context: Context) -> Row:
    """Runs a step as training does: its filters, the model's dropout, and the recipe's mixed precision."""
    objective, bf16 = context.objective, context.run.recipe.training.bf16
    mixed = torch.autocast(context.device.type, torch.bfloat16) if bf16 else nullcontext()
    with mode(objective, filters=True, dropout=True), torch.random.fork_rng(), mixed:
        plan = objective.plan(context.batch)
        out = objective(plan=plan.to(context.device))
    values = {"loss": out.loss, "ntp loss": out.ntp_loss, "jepa loss": out.jepa_loss}
    named = {name: value for name, value in values.items() if value is not None} | gradients(objective, out.loss)
    wrong = [name for name, value in named.items() if not value.isfinite().all()]
    precision = "bfloat16 mixed precision" if bf16 else str(objective.model.dtype).removeprefix("torch.")
    told = f"losses and gradients of {count(len(named) - len(values), 'parameter')} in {precision}"
    if wrong:
        told = f"not finite: {', '.join(wrong[:4])}{', …' if len(wrong) > 4 else ''}"
    return at_most("tensors with NaN or infinity", len(wrong), 0, told, source_of(JepaObjective.forward))


def _collapse(context: Context, found: Health) -> Iterator[Row]:
    sides = {
        "predicted": (found.predicted_cosine, found.predicted_rank, context.objective.spec.terms[0].source),
        "target": (found.target_cosine, found.target_rank, context.objective.spec.terms[0].target),
    }
    too_few = f"{count(found.pairs, 'pair')} in the batch: too few to tell"
    for side, (cosine, rank, extract) in sides.items():
        name = f"{side} embeddings differ"
        if cosine is None or rank is None or found.pairs < PAIRS:
            yield not_applicable(name, context.nothing_counts or too_few, source_of(extract))
            continue
        told = (
            f"mean cosine of two of them {cosine:.3f}, effective rank {rank:.1f} of {found.pairs} pairs; "
            f"collapsed from a cosine of {ALIKE} or below a rank of {FEW_DIRECTIONS} on"
        )
        source = source_of(mean_cosine if cosine > ALIKE else effective_rank)
        yield Row(name, Verdict.WARN if collapsed(cosine, rank) else Verdict.PASS, cosine, f"≤ {ALIKE}", told, source)


def _pull(context: Context, found: Health) -> Iterator[Row]:
    source = source_of(measure_health)
    for term, norm, nothing in (
        (
            "NTP",
            found.ntp_gradient_norm,
            "no label in the batch" if context.objective.spec.gamma_ntp else "gamma_ntp is 0",
        ),
        ("JEPA", found.jepa_gradient_norm, context.nothing_counts or "not finite, or no pair in the batch"),
    ):
        name = f"the {term} term pulls at the model"
        if norm is None or (term == "NTP" and not context.objective.spec.gamma_ntp):
            yield not_applicable(name, nothing, source)
        else:
            told = "norm of the weighted term's gradient, over the parameters that both terms share"
            yield Row(name, Verdict.PASS if norm > 0 else Verdict.FAIL, norm, "> 0", told, source)
    name = "cosine of the two terms' gradients"
    if found.gradient_cosine is None:
        yield not_applicable(name, context.nothing_counts or "one of the terms has no gradient", source)
    else:
        together = "they pull together" if found.gradient_cosine > 0 else "they pull apart"
        yield Row(name, Verdict.PASS, found.gradient_cosine, "", f"{together} at these weights", source)
