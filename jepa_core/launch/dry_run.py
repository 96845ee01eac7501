"""The dry run: it says what a recipe would train, before it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jepa_core.assembly.build import Run, build
from jepa_core.assembly.counting import silent_terms
from jepa_core.assembly.first_evaluation import try_evaluation
from jepa_core.assembly.watched_step import watched_step
from jepa_core.launch.rehearsal import try_second
from jepa_core.recipe.cautions import cautions
from jepa_core.recipe.trackers import refuse_missing_trackers
from jepa_core.registry import Registry

if TYPE_CHECKING:
    from jepa_core.recipe.schema import Recipe


def dry_run(recipe: Recipe, *, device: str | None = None, registry: Registry | None = None) -> str:
    """Builds everything, runs one batch forward and backward, writes nothing; says what it saw."""
    registry = registry or Registry.discover()
    refuse_missing_trackers(recipe)
    built = build(recipe, registry, device)
    _try(built, registry)
    size = min(recipe.training.per_device_train_batch_size, len(built.train_dataset))
    batch = built.collate(built.train_dataset.__getitems__(range(size)))
    plan = built.objective.train().plan(batch)
    out = built.objective(plan=plan)
    out.loss.backward()
    steps = recipe.training.max_steps
    warnings = (*cautions(recipe, steps), *nothing_counts(built, steps))
    jepa = "none counted" if out.jepa_loss is None else f"{float(out.jepa_loss):.4f}"
    return (
        f"{describe_run(built)}\none batch of {size}: {plan.tokens} tokens, {plan.labels} labelled, "
        f"{plan.jepa_pairs} pairs; ntp loss {float(out.ntp_loss):.4f}, jepa loss {jepa}\n"
        + "".join(f"{warning}\n" for warning in warnings)
        + "dry run: nothing was written"
    )


def check_data(recipe: Recipe, registry: Registry) -> str:
    """Reads all data, builds everything and runs a few samples; says what is there. Writes nothing.

    Raises JepaError for whatever is wrong in recipe or data.
    """
    built = build(recipe, registry)
    if built.data.reread is not None:
        built.data.reread()
    _try(built, registry)
    return "\n".join((describe_run(built), *nothing_counts(built, recipe.training.max_steps)))


def _try(built: Run, registry: Registry) -> None:
    """Tries what a run does before its first step: its training section, a watched step, the second half's parts."""
    from jepa_core.assembly.trainer import check_training

    check_training(built)
    watched_step(built)
    try_evaluation(built)
    if built.recipe.rehearsal is not None:
        try_second(built.recipe, built, registry)


def describe_run(built: Run) -> str:
    """Describes in three lines what will train on what, and adds the notes on the data."""
    recipe, settings = built.recipe, built.recipe.objective
    parameters = sum(p.numel() for p in built.objective.parameters())
    sets = ", ".join(f"{name} {len(data_set):,}" for name, data_set in built.eval_datasets.items())
    return (
        f"data       {recipe.data.name}: {len(built.train_dataset):,} training samples, vocabulary "
        f"{built.vocabulary.size:,}; to evaluate: {sets}\n"
        f"model      {built.objective.model.config.model_type}, {parameters:,} parameters, {recipe.model.dtype}\n"
        f"objective  {settings.gamma_ntp:g} ntp + {_weight(settings.lambda_jepa)} {settings.distance.name}, "
        f"{settings.reversal.name} reversal, {settings.mask.name} mask, k = {settings.k}"
        + "".join(f"\nnote       {note}" for note in built.data.notes)
    )


def nothing_counts(built: Run, steps: int | None) -> list[str]:
    """A warning for each JEPA loss that the recipe asks for, but no pair can ever pay."""
    silent = silent_terms(built.objective, built.train_dataset, steps)
    alone = len(silent) == sum(term.enabled for term in built.objective.spec.terms)
    outcome = "this trains next-token prediction alone" if alone else "this term trains nothing"
    return [f"warning: {name}: no pair can ever count, so {outcome}: {why}" for name, why in silent.items()]


def _weight(weight: Any) -> str:
    return f"{weight:g}" if isinstance(weight, int | float) else f"({weight.start:g} to {weight.end:g})"
