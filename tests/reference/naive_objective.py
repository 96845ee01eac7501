"""The loss of NTP plus JEPA by two separate passes a sample: the numbers that the objective must give.

A sample is ``(head_ids, relation_id, mask_id, tail_ids, type_name)`` of plain Python ints. Nothing is ever
padded or batched. Switch the model's own dropout off (``model.eval()``) before comparing numbers.
Axes: ``s`` tokens of a fact, ``t = s + k + s`` of a packed row, ``d`` width, ``v`` vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

Sample = tuple[Sequence[int], int, int, Sequence[int], str]
Visible = list[list[bool]]
Gradients = dict[str, Tensor]
MaskRule = Callable[[int, int], Visible]


class NaiveOutput(NamedTuple):
    """Scalars; None where nothing counts. `jepa_pairs` are the pairs of these samples, whatever the count."""

    loss: Tensor | None
    ntp_loss: Tensor | None
    jepa_loss: Tensor | None
    jepa_pairs: int


class PackedRow(NamedTuple):
    """``[fact, PRED×k, reversed fact]``: t ids, t position ids, t×t visibility, and the two places read."""

    ids: list[int]
    positions: list[int]
    visible: Visible
    predicted: int
    target: int


def fact_ids(sample: Sample) -> list[int]:
    head, relation, mask, tail, _ = sample
    return [*head, relation, mask, *tail]


def inverse_relation(relation: int, first_relation_id: int, num_relations: int) -> int:
    """The partner by parity; ValueError names an id outside ``[first, first + num_relations)``."""
    known = range(first_relation_id, first_relation_id + num_relations)
    if relation not in known:
        raise ValueError(f"relation id {relation} is not in {known}")
    inverse = relation + 1 if relation % 2 == first_relation_id % 2 else relation - 1
    if inverse not in known:
        raise ValueError(f"relation id {relation} has no partner: {inverse} is not in {known}")
    return inverse


def reversed_ids(sample: Sample, first_relation_id: int, num_relations: int) -> list[int]:
    head, relation, mask, tail, _ = sample
    return [*tail, inverse_relation(relation, first_relation_id, num_relations), mask, *head]


def causal(length: int) -> Visible:
    return [[key <= query for key in range(length)] for query in range(length)]


def two_blocks(first: int, second: int) -> Visible:
    """Causal inside each of two neighbouring blocks of these lengths; nothing crosses."""
    starts = [0] * first + [first] * second
    return [[start <= key <= query for key in range(len(starts))] for query, start in enumerate(starts)]


def row_positions(first: int, second: int, positions: str) -> list[int]:
    return {
        "continue": list(range(first + second)),
        "restart": [*range(first), *range(second)],
        "none": [0] * (first + second),
    }[positions]


def packed_row(
    first: list[int], second: list[int], positions: str = "continue", mask: MaskRule = two_blocks
) -> PackedRow:
    """`first` is the fact with its predictor tokens, `second` the reversed fact."""
    n, m = len(first), len(second)
    return PackedRow(first + second, row_positions(n, m, positions), mask(n, m), n - 1, n + m - 1)


def additive(model: Any, visible: Visible) -> Tensor:
    """``1 1 t t`` in the model's dtype: 0 where visible, else the dtype's minimum."""
    mask = next(model.parameters()).new_zeros(1, 1, len(visible), len(visible))
    for query, row in enumerate(visible):
        for key, seen in enumerate(row):
            if not seen:
                mask[0, 0, query, key] = torch.finfo(mask.dtype).min
    return mask


def forward(model: Any, ids: list[int], positions: list[int] | None = None, visible: Visible | None = None) -> Any:
    """The model's own forward on one row: its plain LM pass where positions and visibility are None."""
    device = next(model.parameters()).device
    return model(
        input_ids=torch.tensor([ids], device=device),
        position_ids=None if positions is None else torch.tensor([positions], device=device),
        attention_mask=None if visible is None else additive(model, visible),
        output_hidden_states=True,
        use_cache=False,
    )


def fact_pass(model: Any, sample: Sample, positions: str) -> Any:
    """The LM pass of a plain fact. All-zero position ids need the explicit mask, the others need none."""
    ids = fact_ids(sample)
    if positions == "none":
        return forward(model, ids, [0] * len(ids), causal(len(ids)))
    return forward(model, ids)


def answer_places(sample: Sample) -> list[tuple[int, int]]:
    """(place of the logits, token that they should foretell) for each answer token: the one before it."""
    head, _, _, tail, _ = sample
    first_answer = len(head) + 2
    return [(first_answer + i - 1, token) for i, token in enumerate(tail)]


def token_losses(model: Any, sample: Sample, positions: str) -> list[Tensor]:
    logits = fact_pass(model, sample, positions).logits[0]
    places = answer_places(sample)
    return [torch.logsumexp(logits[place], 0) - logits[place][token] for place, token in places]


def pair_states(model: Any, row: PackedRow) -> tuple[Tensor, Tensor]:
    """Predicted and target, ``d`` each: final hidden states at the row's two places."""
    states = forward(model, row.ids, row.positions, row.visible).hidden_states[-1][0]
    return states[row.predicted], states[row.target]


def naive_distance(name: str, predicted: Tensor, target: Tensor) -> Tensor:
    if name == "cosine":
        lengths = (predicted * predicted).sum().sqrt() * (target * target).sum().sqrt()
        return 1 - (predicted * target).sum() / lengths
    squares = (predicted - target) ** 2
    if name == "l2":
        return squares.sum().sqrt()
    if name == "mse":
        return squares.sum() / len(squares)
    raise ValueError(f"distance: {name!r}")


def mean(losses: list[Tensor], count: int | None) -> Tensor | None:
    """Sum over `count`, by default over their own number; None without any."""
    if not losses:
        return None
    return torch.stack(losses).sum() / (len(losses) if count is None else count)


def naive_loss(
    model: Any, samples: Sequence[Sample], *, first_relation_id: int, num_relations: int, pad_id: int,
    pred_ids: Sequence[int], k: int, distance: str, lambda_jepa: float = 1.0, gamma_ntp: float = 1.0,
    positions: str = "continue", stop_gradient: str = "none", keep_types: Collection[str] = ("train",),
    dropped: Collection[int] = frozenset(), ntp_count: int | None = None, jepa_count: int | None = None,
    mask: MaskRule = two_blocks,
) -> NaiveOutput:  # fmt: skip
    """``gamma_ntp · ntp + lambda_jepa · jepa`` over `samples`.

    num_relations: relation ids, two a pair; pred_ids: one id to be repeated, or k different ones; dropped:
    places in `samples` whose pair is left out; counts: denominators where a step is larger than these
    samples; mask: visibility of the packed row, from the lengths of its blocks. Lambda 0 makes no pair.
    """
    preds = list(pred_ids) * k if len(pred_ids) == 1 else list(pred_ids)[:k]
    if len(preds) != k or stop_gradient not in ("none", "target", "source"):
        raise ValueError(f"k={k}, pred_ids={pred_ids}, stop_gradient={stop_gradient!r}")
    ntp, jepa = [], []
    for place, sample in enumerate(samples):
        if pad_id in fact_ids(sample):
            raise ValueError(f"sample {place} is padded: give the real tokens only")
        ntp += token_losses(model, sample, positions)
        if lambda_jepa == 0 or sample[-1] not in keep_types or place in dropped:
            continue
        second = reversed_ids(sample, first_relation_id, num_relations)
        source, target = pair_states(model, packed_row(fact_ids(sample) + preds, second, positions, mask))
        source = source.detach() if stop_gradient == "source" else source
        target = target.detach() if stop_gradient == "target" else target
        jepa.append(naive_distance(distance, source, target))
    ntp_loss, jepa_loss = mean(ntp, ntp_count), mean(jepa, jepa_count)
    terms = [w * loss for w, loss in ((gamma_ntp, ntp_loss), (lambda_jepa, jepa_loss)) if loss is not None]
    return NaiveOutput(mean(terms, 1), ntp_loss, jepa_loss, len(jepa))


def naive_gradients(model: Any, samples: Sequence[Sample], **same: Any) -> tuple[NaiveOutput, Gradients]:
    """The loss and its gradient by parameter name, zeros where none arrives; ``.grad`` is left alone."""
    output = naive_loss(model, samples, **same)
    named = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    if output.loss is None:
        return output, {name: torch.zeros_like(weight) for name, weight in named.items()}
    weights = list(named.values())
    found = torch.autograd.grad(output.loss, weights, allow_unused=True, materialize_grads=True)
    return output, dict(zip(named, found, strict=True))
