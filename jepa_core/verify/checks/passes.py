"""Checks how often the transformer runs in a step, and that every token goes through it once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from jepa_core.errors import ComponentError
from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.plan import Plan
from jepa_core.samples.samples import PAD
from jepa_core.verify.context import Context, bank_of, mode
from jepa_core.verify.row import Row, at_most, exactly, not_applicable, source_of


def passes(context: Context) -> Iterator[Row]:
    """Counts passes at the token embedding, where every pass of a Hugging Face model begins."""
    try:
        yield _one_pass(context.packed, _plan(context.packed, context))
    except ComponentError as error:
        yield not_applicable("transformer calls in a packed step", str(error), source_of(JepaObjective.forward))
    yield _each_once(context.objective, _plan(context.objective, context))


def _one_pass(packed: JepaObjective, plan: Plan) -> Row:
    calls = count_calls(packed, plan)
    told = f"NTP and JEPA together: {_shapes(calls)} tokens"
    return exactly("transformer calls in a packed step", len(calls), 1, told, source_of(JepaObjective.forward))


def _each_once(objective: JepaObjective, plan: Plan) -> Row:
    """Gives every real token an id of its own, in as many samples as the vocabulary has ids for, and counts these ids
    in the model's inputs, which must be those of the plan."""
    plan, tokens = _with_own_ids(plan, objective)
    calls = count_calls(objective, plan)
    arranged = plan.arrangement.calls
    as_planned = [a.ids.tolist() for a in arranged] == [call.tolist() for call in calls]
    real = torch.cat([a.ids[a.tags != PAD] for a in arranged])
    wrong = int((real.bincount(minlength=tokens + 1)[1:] != 1).sum()) if as_planned else tokens
    told = f"{objective.layout.name}: {len(calls)} transformer call{'s' * (len(calls) != 1)} of {_shapes(calls)}"
    evidence = f"{told} tokens, {tokens} of them real, each tagged and counted"
    if objective.needs_candidates and objective.spec.candidates is not None:
        count = len(objective.spec.candidates)
        evidence += f"; beside it the {count:,} candidates of the task, where their states are asked for"
    return at_most(
        "tokens not through the transformer exactly once", wrong, 0, evidence, source_of(objective.layout.arrange)
    )


def _plan(objective: JepaObjective, context: Context) -> Plan:
    with mode(objective, filters=False):
        return objective.plan(context.few)


def _with_own_ids(plan: Plan, objective: JepaObjective) -> tuple[Plan, int]:
    """Numbers the real tokens from 1, padding 0; samples beyond the vocabulary's ids become padding."""
    blocks, used = [], 0
    sizes = torch.zeros(len(plan.blocks[0].sample), dtype=torch.int64)
    for block in plan.blocks:
        sizes.index_add_(0, block.sample, (block.tags != PAD).sum(dim=1))
    fits = sizes.cumsum(0) < objective.transformer.vocab
    for block in plan.blocks:
        real = (block.tags != PAD) & fits[block.sample][:, None]
        ids = torch.zeros_like(block.ids)
        count = int(real.sum())
        ids[real] = torch.arange(used + 1, used + count + 1)
        used += count
        blocks.append(replace(block, ids=ids))
    arranged = objective.layout.arrange(tuple(blocks))
    return replace(plan, blocks=tuple(blocks), arrangement=arranged), used


@torch.no_grad()
def count_calls(objective: JepaObjective, plan: Plan) -> list[Tensor]:
    """The ids ``r t`` of each pass of the transformer in one step, over the batch."""
    bank = bank_of(objective)
    with _watched(objective) as calls, mode(objective, filters=False):
        objective(plan=plan.to(next(objective.parameters()).device), bank=bank)
    return calls


@contextmanager
def _watched(objective: JepaObjective) -> Iterator[list[Tensor]]:
    calls: list[Tensor] = []
    embedding: Any = objective.transformer.model.get_input_embeddings()
    handle = embedding.register_forward_hook(lambda module, inputs, output: calls.append(inputs[0].cpu()))
    try:
        yield calls
    finally:
        handle.remove()


def _shapes(calls: list[Tensor]) -> str:
    return ", ".join("×".join(map(str, call.shape)) for call in calls)
