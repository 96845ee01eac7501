"""Evaluation of a split: losses and ranking metrics, without a loop over samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from torch import distributed

from jepa_core.components import FilterTraits
from jepa_core.contexts import find_path
from jepa_core.distributed import rank_and_world
from jepa_core.evaluation.ranks import MetricSums, score_tokens
from jepa_core.model.evaluating import evaluating
from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.plan import Plan
from jepa_core.objective.spec import JepaTerm
from jepa_core.samples.sample_set import Batch, SampleSet, TaskData, parts_of

Metrics = dict[str, Any]


@dataclass(frozen=True)
class EvaluationContext:
    """The part of a run that a further evaluation may know: objective, task, and folders for data files."""

    objective: JepaObjective
    data: TaskData
    search: tuple[Path, ...] = (Path(),)

    def find(self, path: str) -> Path:
        return find_path(path, self.search)


@torch.no_grad()
def evaluate(
    objective: JepaObjective,
    dataset: SampleSet,
    batch_size: int = 512,
    per_layer: bool = False,
    on_batch: Callable[[], object] = lambda: None,
) -> Metrics:
    """Measures one split, teacher-forced, over the whole vocabulary.

    ``mrr`` and ``hits@n`` are means over a sample's answer tokens, then over samples; ``joint_log_likelihood`` is the
    sum over the tokens, then the mean. ``mrr_tokenN`` is the mean over samples whose answer has an Nth token;
    ``joint_accuracy`` the share of samples in which every answer token ranks first alone. ``ntp_loss`` is the mean over
    the samples' own labelled tokens (in training, second views' too), ``jepa_loss`` and those of further terms over
    counted pairs. Ties count half; no candidate is filtered.

    per_layer: adds ``layers``, the same metrics read off every layer through the final norm and the output embedding.
    In several processes each takes every nth batch, so that each sample counts once over all of them.
    """
    layers = range(objective.transformer.num_layers + 1) if per_layer else (objective.transformer.num_layers,)
    names = [term.name for term in objective.spec.terms]
    tallies = {layer: MetricSums(dataset.max_length, names) for layer in layers}
    with evaluating(objective), objective.transformer.together():
        for batch in _own_batches(dataset, batch_size):
            _evaluate_batch(objective, batch, tallies)
            on_batch()
    for tally in tallies.values():
        _sum_over_processes(tally, objective)
    metrics: Metrics = tallies[layers[-1]].metrics()
    if per_layer:
        metrics["layers"] = {str(layer): _without_jepa(tally.metrics()) for layer, tally in tallies.items()}
    return metrics


@torch.no_grad()
def first_figures(objective: JepaObjective, dataset: SampleSet) -> Metrics:
    """Measures one batch of all of a small set, in this process alone; nothing where it is empty."""
    sums = MetricSums(dataset.max_length, [term.name for term in objective.spec.terms])
    if len(dataset):
        with evaluating(objective):
            batch = dataset.__getitems__(range(len(dataset)))
            _evaluate_batch(objective, batch, {objective.transformer.num_layers: sums})
    return sums.metrics()


def _evaluate_batch(objective: JepaObjective, batch: Batch, tallies: dict[int, MetricSums]) -> None:
    transformer = objective.transformer
    plan = objective.plan(batch)
    label_rows, ordinal = plan.own_labels.rows, _ordinals(plan)
    device = next(objective.parameters()).device
    plan = plan.to(device)
    last = transformer.num_layers
    hidden = objective.hidden_states(plan, also=tallies)
    labels = plan.own_labels
    for layer, tally in tallies.items():
        states = hidden[layer].at(0, labels.rows, labels.columns)
        logits_of = partial(transformer.layer_logits, layer=layer)
        scores = score_tokens(logits_of, states, labels.ids, transformer.vocab)
        tally.add_answers(scores.cpu(), label_rows, ordinal, len(batch["labels"]))
    for number, planned in enumerate(plan.terms):
        if planned.count and not _never_pays(objective.spec.terms[number]):
            tallies[last].add_distances(number, float(objective.jepa_sum(plan, hidden, number)), planned.count)


def _never_pays(term: JepaTerm) -> bool:
    """Tells whether a filter drops every pair in training: then the distance would measure nothing that was trained."""
    return any((FilterTraits.of(keep).rate or 0) >= 1 for keep in term.filters)


def _ordinals(plan: Plan) -> torch.Tensor:
    """``l``: the place of each labelled token in its sample's answer, from 0. Labels come row by row."""
    rows = plan.own_labels.rows
    starts = torch.searchsorted(rows, rows)  # the first label of the same row
    return torch.arange(len(rows), device=rows.device) - starts


def _own_batches(dataset: SampleSet, batch_size: int) -> Iterator[Batch]:
    rank, world = rank_and_world()
    return map(dataset.__getitems__, islice(parts_of(len(dataset), batch_size), rank, None, world))


def _sum_over_processes(tally: MetricSums, objective: JepaObjective) -> None:
    if distributed.is_initialized():
        sums = tally.sums.to(next(objective.parameters()).device)
        distributed.all_reduce(sums)
        tally.sums = sums.cpu()


def _without_jepa(metrics: Metrics) -> Metrics:
    return {name: value for name, value in metrics.items() if name == "ntp_loss" or not name.endswith("_loss")}
