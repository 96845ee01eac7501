"""The loss by two separate passes a sample: what the objective's shared pass has to equal.

Slow on purpose: one sample at a time, nothing padded, the model's own forward and logits, and a mask written
cell by cell. It takes the recipe's components, and nothing of the planner, the layouts or the loss.
Axes: ``s`` tokens of a fact, ``t`` of a row, ``d`` width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from jepa_core.components import declared
from jepa_core.objective.objective import JepaObjective
from jepa_core.samples.samples import Facts, Role
from jepa_core.views.pairs import Part, View
from jepa_core.views.row_tokens import Tokens
from jepa_plugins.facts.fact_set import Batch


class CannotExpress(Exception):
    """This recipe has something that is not written here in the naive way; the message says what."""


@dataclass(frozen=True)
class NaiveLosses:
    """Scalars; None where nothing counts."""

    loss: Tensor
    ntp: Tensor | None
    jepa: Tensor | None


@dataclass
class PackedRow:
    """A sample's blocks one after another, as plain lists of one entry a token."""

    ids: list[int] = field(default_factory=list)
    roles: list[int] = field(default_factory=list)
    block: list[int] = field(default_factory=list)

    def add(self, ids: list[int], roles: list[int]) -> list[int]:
        """A new block; the places of its tokens."""
        number = self.block[-1] + 1 if self.block else 0
        self.ids += ids
        self.roles += roles
        self.block += [number] * len(ids)
        return list(range(len(self.ids) - len(ids), len(self.ids)))


def naive_losses(objective: JepaObjective, batch: Batch) -> NaiveLosses:
    """The losses of `batch` when no filter drops at random. Switch the model's own dropout off before.

    Raises CannotExpress.
    """
    _refuse(objective)
    counted = objective.planner.eligible(batch, 0, training=False).tolist()
    tokens: list[Tensor] = []
    pairs: list[list[tuple[Tensor, Tensor, tuple[int, ...]]]] = []
    for row, counts in enumerate(counted):
        real = batch["roles"][row] != Role.PAD
        ids, roles, labels = (batch[key][row][real] for key in ("input_ids", "roles", "labels"))
        tokens += _token_losses(objective, ids, roles, labels)
        if counts:
            found, more = _second_pass(objective, Facts(ids[None], roles[None]))
            pairs.append(found)
            tokens += more
    ntp = torch.stack(tokens).mean() if tokens else None
    distances = _distances(objective, pairs)
    jepa = distances.mean() if len(distances) else None
    terms = [w * loss for w, loss in ((objective.gamma_ntp, ntp), (objective.lambda_jepa, jepa)) if loss is not None]
    if not terms:
        raise CannotExpress("these samples have no label and no pair")
    return NaiveLosses(torch.stack(terms).sum(), ntp, jepa)


def _refuse(objective: JepaObjective) -> None:
    if declared("mask", objective.mask, "by_layer"):
        raise CannotExpress(f"{type(objective.mask).__name__} is another mask in every layer")
    if unknown := set(declared("distance", objective.distance, "needs")) - {"entity_ids"}:
        raise CannotExpress(f"the distance needs {', '.join(sorted(unknown))}")


def _token_losses(objective: JepaObjective, ids: Tensor, roles: Tensor, labels: Tensor) -> list[Tensor]:
    """The LM pass: of each labelled token, minus its log-probability given the tokens before it."""
    row = PackedRow()
    row.add(ids.tolist(), roles.tolist())
    plain = declared("mask", objective.mask, "plain_block_causal") and objective.planner.positions != "none"
    logits = _run(objective, row, masked=not plain).logits[0].float()
    wanted = [(place - 1, label) for place, label in enumerate(labels.tolist()) if place and label >= 0]
    return [logits[place].logsumexp(0) - logits[place, label] for place, label in wanted]


def _second_pass(
    objective: JepaObjective, fact: Facts
) -> tuple[list[tuple[Tensor, Tensor, tuple[int, ...]]], list[Tensor]]:
    """(predicted ``d``, target ``d``, ids of the target's tokens) of each pair of views, and the token losses of
    views that have labels."""
    views = objective.planner.reversal(fact).pairs
    preds = objective.planner.pred_ids.tolist()
    in_place = preds if any(isinstance(source, Part) for source, _ in views) else []
    row = PackedRow()
    first = row.add([*fact.ids[0].tolist(), *in_place], [*fact.roles[0].tolist(), *[Role.PRED] * len(in_place)])
    wanted: list[tuple[int, int]] = []

    def place(view: View, is_source: bool) -> tuple[list[int], list[bool]]:
        """The places of the view's block in the row, and which of them are the view's."""
        if isinstance(view, Part):
            chosen = view.select[0].tolist()
            return first, [*chosen, *[is_source] * (len(first) - len(chosen))]
        real = view.facts.valid[0]
        extra = preds if is_source else []
        ids, roles, chosen = (v[0][real].tolist() for v in (view.facts.ids, view.facts.roles, view.selected))
        block = row.add([*ids, *extra], [*roles, *[Role.PRED] * len(extra)])
        if view.labels is not None:
            labels = view.labels[0][real].tolist()
            wanted.extend((block[i] - 1, label) for i, label in enumerate(labels) if i and label >= 0)
        return block, [*chosen, *[True] * len(extra)]

    placed = [(place(source, True), place(target, False)) for source, target in views]
    out = _run(objective, row, masked=True)
    states, logits = out.hidden_states, out.logits[0].float()
    extractors = objective.source_embedding, objective.target_embedding
    found = []
    for sides in placed:
        predicted, target = (
            _embedding(objective, extract, states, row, *side) for extract, side in zip(extractors, sides, strict=True)
        )
        target_ids = tuple(row.ids[i] for i, chosen in zip(*sides[1], strict=True) if chosen)
        found.append((predicted, target, target_ids))
    return found, [logits[place].logsumexp(0) - logits[place, label] for place, label in wanted]


def _embedding(
    objective: JepaObjective, extract: Any, states: Any, row: PackedRow, block: list[int], select: list[bool]
) -> Tensor:
    asked = declared("embedding", extract, "layer")
    many = asked if isinstance(asked, tuple) else (asked,)
    hidden = tuple(states[objective.transformer.layer(layer)][:, block] for layer in many)
    valid = _like(hidden[0], [select], torch.bool)
    roles = _like(hidden[0], [[row.roles[i] for i in block]], torch.int64)
    return extract(hidden if isinstance(asked, tuple) else hidden[0], valid, roles)[0]


def _distances(objective: JepaObjective, pairs: Sequence[Sequence[tuple[Tensor, Tensor, tuple[int, ...]]]]) -> Tensor:
    """``n``: of every counted pair. The distance sees the first pairs of all samples together, then the second
    ones, …: it may compare them."""
    found = [torch.zeros(0)]
    for together in zip(*pairs, strict=True):
        predicted, target = (torch.stack([pair[side] for pair in together]) for side in (0, 1))
        if objective.stop_gradient == "target":
            target = target.detach()
        if objective.stop_gradient == "source":
            predicted = predicted.detach()
        numbers = {ids: i for i, ids in enumerate(dict.fromkeys(pair[2] for pair in together))}
        needs: dict[str, Tensor] = {}
        if "entity_ids" in declared("distance", objective.distance, "needs"):
            needs["entity_ids"] = _like(predicted, [numbers[pair[2]] for pair in together], torch.int64)
        found.append(objective.distance(predicted, target, **needs).float())
    return torch.cat([part.to(found[-1].device) for part in found])


def _run(objective: JepaObjective, row: PackedRow, masked: bool) -> Any:
    """The model's own forward of one row, with all hidden states."""
    window = objective.transformer.sliding_window
    if masked and window is not None and len(row.ids) > window:
        raise CannotExpress(f"a mask written here would replace this model's sliding window of {window} tokens")
    model: Any = objective.model
    like = next(model.parameters())
    return model(
        input_ids=_like(like, [row.ids], torch.int64),
        position_ids=_like(like, [_positions(objective, row)], torch.int64),
        attention_mask=_mask(objective, row, like) if masked else None,
        output_hidden_states=True,
        use_cache=False,
    )


def _positions(objective: JepaObjective, row: PackedRow) -> list[int]:
    if objective.planner.positions == "none":
        return [0] * len(row.ids)
    if objective.planner.positions == "continue":
        return list(range(len(row.ids)))
    return [place - row.block.index(number) for place, number in enumerate(row.block)]


def _mask(objective: JepaObjective, row: PackedRow, like: Tensor) -> Tensor:
    """``1 1 t t``, 0 where the builder lets a token see an earlier one or itself, else the dtype's minimum."""
    kinds = list(zip(row.roles, row.block, strict=True))
    starts = [i == 0 or kinds[i] != kinds[i - 1] for i in range(len(kinds))]
    count = range(len(kinds))
    tokens = Tokens(
        block=_like(like, [row.block], torch.int64),
        position=_like(like, [list(count)], torch.int64),
        role=_like(like, [row.roles], torch.int64),
        span=_like(like, [[sum(starts[: i + 1]) - 1 for i in count]], torch.int64),
        last=_like(like, [[i + 1 == len(kinds) or starts[i + 1] for i in count]], torch.bool),
        pred=_like(like, [[role == Role.PRED for role in row.roles]], torch.bool),
    )
    says = objective.mask(tokens.unsqueeze(-1), tokens.unsqueeze(-2), 0).expand(1, len(kinds), len(kinds))[0]
    mask = like.new_full((1, 1, len(kinds), len(kinds)), torch.finfo(like.dtype).min)
    for query in count:
        for key in range(query + 1):
            if key == query or bool(says[query, key]):
                mask[0, 0, query, key] = 0
    return mask


def _like(like: Tensor, values: Any, dtype: torch.dtype) -> Tensor:
    return torch.tensor(values, dtype=dtype, device=like.device)
