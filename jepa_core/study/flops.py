"""Floating point operations of a training step, counted, not estimated."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from jepa_core.assembly.build import Run, build
from jepa_core.training.sampler import epoch_sampler

if TYPE_CHECKING:
    from jepa_core.recipe.schema import Recipe
    from jepa_core.registry import Registry


def step_flops(recipe: Recipe, registry: Registry) -> int:
    """Of forward and backward of the objective on the recipe's first micro-batch, times the micro-batches of a
    step. Matrix products only, a multiply-add is two; neither optimizer nor evaluation.

    Builds everything, on the CPU; writes nothing. Raises JepaError for what is wrong in the recipe or its data.
    """
    run = build(recipe, registry, "cpu")
    return micro_batch_flops(run) * recipe.training.gradient_accumulation_steps


def micro_batch_flops(run: Run) -> int:
    """Of forward and backward on the first batch that training draws."""
    training = run.recipe.training
    step = training.per_device_train_batch_size * training.gradient_accumulation_steps
    order = epoch_sampler(run.train_dataset, run.recipe.seed, step)
    batch = run.train_dataset.__getitems__(list(islice(order, training.per_device_train_batch_size)))
    plan = run.objective.train().plan(batch)
    counter = FlopCounterMode(display=False)
    with counter, sdpa_kernel(SDPBackend.MATH):  # the fused kernel of the CPU is a blank to the counter
        run.objective(plan=plan).loss.backward()
    return counter.get_total_flops()
