"""Floating point operations of a training step, counted, not estimated."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from jepa_core.assembly.assemble import load_data
from jepa_core.assembly.build import Run, build, build_on
from jepa_core.assembly.rehearsed import extended, learning, read_rows, rehearsing
from jepa_core.folder.run_folder import RunFolder
from jepa_core.report.log import read_log, read_whole_log
from jepa_core.training.sampler import epoch_sampler

if TYPE_CHECKING:
    from jepa_core.recipe.schema import Recipe
    from jepa_core.registry import Registry


def step_flops(recipe: Recipe, registry: Registry) -> int:
    """Counts forward and backward of the objective on the recipe's first micro-batch, times the micro-batches of a
    step. Matrix products only, a multiply-add is two; neither optimizer nor evaluation.

    With a rehearsal, which has steps of two kinds: the mean over all steps of the finished run.
    Builds everything, on the CPU; writes nothing. Raises JepaError for what is wrong in the recipe or its data.
    """
    if recipe.rehearsal is not None:
        return _mean_flops(recipe, registry)
    run = build(recipe, registry, "cpu")
    return micro_batch_flops(run) * recipe.training.gradient_accumulation_steps


def _mean_flops(recipe: Recipe, registry: Registry) -> int:
    folder, first, second = RunFolder(Path(recipe.output_dir)), learning(recipe), rehearsing(recipe)
    each = [step_flops(first, registry)]
    data = extended(recipe, load_data(recipe, registry), registry, read_rows(folder.rehearsed)[1])
    run = build_on(data, second, registry, "cpu", RunFolder(folder.learned).model)
    each.append(micro_batch_flops(run) * second.training.gradient_accumulation_steps)
    steps = [read_whole_log(RunFolder(folder.learned)).step, read_log(folder.log).step]
    return round(sum(f * n for f, n in zip(each, steps, strict=True)) / sum(steps))


def micro_batch_flops(run: Run) -> int:
    """Counts forward and backward on the first batch that training draws."""
    training = run.recipe.training
    step = training.per_device_train_batch_size * training.gradient_accumulation_steps
    order = epoch_sampler(run.train_dataset, run.recipe.seed, step)
    batch = run.train_dataset.__getitems__(list(islice(order, training.per_device_train_batch_size)))
    plan = run.objective.train().plan(batch)
    counter = FlopCounterMode(display=False)
    with counter, sdpa_kernel(SDPBackend.MATH):  # the fused kernel of the CPU is a blank to the counter
        run.objective(plan=plan).loss.backward()
    return counter.get_total_flops()
