"""Checks that predictor tokens see the source and not the target, and that they learn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from jepa_core.model.double import in_double
from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.plan import Plan, PlannedPair
from jepa_core.samples.samples import PAD, PRED
from jepa_core.verify.checks.isolation import DOUBLE_ROUNDING, may_be_rounding
from jepa_core.verify.context import Context, bank_of, copied, mode
from jepa_core.verify.perturb import Probe
from jepa_core.verify.row import Row, Verdict, at_most, not_applicable, source_of
from jepa_core.views.visibility import visible
from jepa_plugins.text.source_part import SourcePart
from jepa_plugins.text.tags import Tag
from jepa_plugins.text.tokenise import Tokenise

SEES, NOT = "predictor tokens see the source", "predictor tokens do not see the target"
TRAINED = "predictor tokens that the loss does not train"


def predictors(context: Context, tokenise: Tokenise, parts: Sequence[SourcePart]) -> Iterator[Row]:
    """Changes tokens of a few samples on the real model, and takes the gradient of the JEPA loss alone."""
    del tokenise, parts
    with mode(context.objective, filters=False):
        plan = context.objective.plan(context.few)
    pairs = [pair for pair in plan.pairs if bool((plan.blocks[pair.source.block].tags == PRED).any())]
    if context.nothing_counts or not pairs:
        why = context.nothing_counts or "the source views have no predictor tokens"
        yield from (not_applicable(name, why) for name in (SEES, NOT, TRAINED))
        return
    for number, pair in enumerate(pairs):
        yield from _sight(context, plan, pair, f" (pair {number})" if len(pairs) > 1 else "")
    yield _trained(context, plan)


def _sight(context: Context, plan: Plan, pair: PlannedPair, named: str) -> Iterator[Row]:
    objective, source = context.objective, source_of(visible)
    inside = any(getattr(term.reversal, "inside_answer", False) for term in objective.spec.terms)
    seen, unseen = _source(plan, pair), _target(plan, pair, inside)
    with mode(objective, filters=False):
        near, far = (_moved(objective, plan, pair, change) for change in (seen, unseen))
        if may_be_rounding(far) and context.device.type != "mps":
            with in_double(objective.model):
                far = _moved(objective, plan, pair, unseen)
                far = 0.0 if far <= DOUBLE_ROUNDING else far
    told = "largest movement of their states when {:,} tokens of the {} change"
    if _first(plan, pair):
        yield not_applicable(SEES + named, "they come before it: what is read behind it has seen them", source)
    else:
        words = told.format(sum(int(each.sum()) for each in seen), "source")
        yield Row(SEES + named, Verdict.PASS if near > 0 else Verdict.FAIL, near, "> 0", words, source)
    words = told.format(sum(int(each.sum()) for each in unseen), "target, in the row and in its own block,")
    row = at_most(NOT + named, far, 0, words, source)
    if pair.source.block == 0 and row.verdict is Verdict.FAIL:  # it may be meant
        row = replace(row, verdict=Verdict.WARN, evidence=f"they follow the whole row; {row.evidence}")
    yield row


def _source(plan: Plan, pair: PlannedPair) -> list[Tensor]:
    """Marks the source, ``m w`` bool a block: the users' words if it continues the row, else its block's tokens."""
    change, block = _nothing(plan), plan.blocks[pair.source.block]
    if block.prefix is None:
        change[pair.source.block] = (block.tags != PAD) & (block.tags != PRED)
    else:
        first = torch.arange(plan.blocks[0].tags.shape[1]) < block.prefix[:, None]
        change[0][block.sample] = first & (plan.blocks[0].tags[block.sample] == Tag.USER)
    return change


def _target(plan: Plan, pair: PlannedPair, inside_answer: bool) -> list[Tensor]:
    """Marks the target, ``m w`` bool a block, also where the row holds it: there the last answer by its tags, whatever
    prefix the plan gives the source, or the whole row if the source is a block of its own. inside_answer: the source
    is a part of the answer, so only the tokens after it count."""
    change, source = _nothing(plan), plan.blocks[pair.source.block]
    change[pair.target.block][pair.target.rows] = pair.target.select
    own = plan.blocks[0].tags
    if source.prefix is not None and pair.target.block:
        later = torch.arange(own.shape[1]) >= (source.prefix[:, None] if inside_answer else 0)
        change[0][source.sample] = in_last_answer(own[source.sample]) & later
    elif source.prefix is None and pair.source.block:
        change[0] = own != PAD
    return change


def in_last_answer(tags: Tensor) -> Tensor:
    """Marks the assistant's words after the last user turn, and their end, ``m w`` bool."""
    later_user = (tags == Tag.USER).flip(1).cummax(dim=1).values.flip(1)
    return ((tags == Tag.ASSISTANT) | (tags == Tag.END)) & ~later_user


def _first(plan: Plan, pair: PlannedPair) -> bool:
    """Tells whether the predictor tokens come before the source's own, in a block of their own."""
    block = plan.blocks[pair.source.block]
    return block.prefix is None and bool((block.tags[:, 0] == PRED).any())


def _moved(objective: JepaObjective, plan: Plan, pair: PlannedPair, change: Sequence[Tensor]) -> float:
    block = plan.blocks[pair.source.block]
    return float(Probe(objective, plan).movements(change)[pair.source.block][block.tags == PRED].max())


def _nothing(plan: Plan) -> list[Tensor]:
    return [torch.zeros_like(block.tags, dtype=torch.bool) for block in plan.blocks]


def _trained(context: Context, plan: Plan) -> Row:
    """Checks that the embedding of predictor tokens, or an adapter in its place, is trained and gets a gradient."""
    ids = context.objective.planner.pred_ids
    names = ", ".join(map(context.run.vocabulary.name, ids.tolist()))
    if context.quick:
        held = trainable_rows(context.objective, ids, {})
        told = "looked at without a backward pass"
    else:
        alone = _jepa_alone(context.objective)
        held = trainable_rows(alone, ids, _gradients(alone, plan))
        told = f"the JEPA loss alone: the smallest of their gradients is {float(held.min()):.3g}"
    return at_most(TRAINED, int((held == 0).sum()), 0, f"{names}: {told}", source_of(trainable_rows))


def trainable_rows(objective: JepaObjective, ids: Tensor, values: Mapping[nn.Parameter, Tensor]) -> Tensor:
    """The change ``k`` of the embeddings of `ids` when the embedding's trained parameters go from 0 to `values`.

    A parameter without a value goes to 1. Embeddings are linear, so with gradients as values these are the rows' own.
    """
    embedding = objective.model.get_input_embeddings()
    trained = [p for p in embedding.parameters() if p.requires_grad]
    before = [p.data for p in trained]

    def rows(values: Sequence[Tensor]) -> Tensor:
        for parameter, value in zip(trained, values, strict=True):
            parameter.data = value
        found: Tensor = embedding(ids.to(before[0].device if before else "cpu"))
        return found.detach().float()

    if not trained:
        return torch.zeros(len(ids))
    try:
        ones = [values.get(p, torch.ones_like(p.data)) for p in trained]
        return (rows(ones) - rows([torch.zeros_like(p.data) for p in trained])).abs().amax(dim=-1).cpu()
    finally:
        for parameter, data in zip(trained, before, strict=True):
            parameter.data = data


def _jepa_alone(objective: JepaObjective) -> JepaObjective:
    """The JEPA loss alone, over a copy of the model: NTP moves all rows of a tied head, and a weight may be 0 yet."""
    terms = tuple(replace(term, weight=1.0) for term in objective.spec.terms if term.enabled)
    return type(objective)(copied(objective), replace(objective.spec, gamma_ntp=0.0, terms=terms))


def _gradients(objective: JepaObjective, plan: Plan) -> dict[nn.Parameter, Tensor]:
    with mode(objective, filters=False):
        loss = objective(plan=plan.to(next(objective.parameters()).device), bank=bank_of(objective)).loss
    trained = [p for p in objective.model.get_input_embeddings().parameters() if p.requires_grad]
    found = torch.autograd.grad(loss, trained, allow_unused=True, materialize_grads=True) if trained else ()
    return dict(zip(trained, found, strict=True))
