"""The losses on text pairs by separate passes, a sample and a view at a time: the numbers that views must give.

LLM-JEPA as its paper defines it (arXiv 2509.14252): one pass over the conversation for next-token prediction, one
over the source view with its predictor tokens, one over the target view. STP (arXiv 2602.22617) as its authors'
code computes it, and as the paper prints it: no pass of its own. Token ids and places are plain Python ints, and
nothing is ever padded or batched. Switch the model's own dropout off before comparing numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .naive_objective import Gradients, forward, mean, naive_distance


class View(NamedTuple):
    """A row to pass alone: its tokens, the place whose state is its embedding, and its first position id."""

    ids: list[int]
    at: int
    first_position: int = 0


class Pair(NamedTuple):
    """A conversation, the places of its labelled tokens (answers with their ends), and its two views.

    source: None where the pair does not count, as when it was dropped.
    """

    ids: list[int]
    labelled: list[int]
    source: View | None = None
    target: View | None = None


class TextLoss(NamedTuple):
    """Scalars; None where nothing counts."""

    loss: Tensor | None
    ntp_loss: Tensor | None
    jepa_loss: Tensor | None


def prefix_view(ids: Sequence[int], user_end: int, preds: Sequence[int], offset: int = -1) -> View:
    """``rendering: prefix``: the conversation up to the end of the user turn, and predictor tokens.

    user_end: how many tokens that is. The embedding is the last predictor token's state; without any, that at
    `offset` from the end.
    """
    row = [*ids[:user_end], *preds]
    return View(row, len(row) - 1 if preds else len(row) + offset)


def alone_view(
    opening: Sequence[int], content: Sequence[int], closing: Sequence[int], preds: Sequence[int],
    offset: int = -1, front: bool = False, first_position: int = 0,
) -> View:  # fmt: skip
    """``rendering: alone``: a turn by itself, its predictor tokens inside: behind its content, or before it.

    The embedding is the state at `offset` from the end, as in the authors' code: -1 is the template's last token.
    """
    inside = [*preds, *content] if front else [*content, *preds]
    row = [*opening, *inside, *closing]
    return View(row, len(row) + offset, first_position)


def state(model: Any, view: View) -> Tensor:
    """``d``: a view's embedding, the final hidden state at one place."""
    positions = list(range(view.first_position, view.first_position + len(view.ids)))
    return forward(model, view.ids, positions).hidden_states[-1][0][view.at]


def label_losses(model: Any, ids: list[int], labelled: Sequence[int]) -> list[Tensor]:
    """The negative log-probability of each labelled token, after all tokens before it."""
    logits = forward(model, ids).logits[0]
    return [torch.logsumexp(logits[i - 1], 0) - logits[i - 1][ids[i]] for i in labelled]


def pair_losses(sources: list[Tensor], targets: list[Tensor], distance: str, temperature: float) -> list[Tensor]:
    """One number a pair; for ``infonce`` against the targets of all these pairs."""
    if distance != "infonce":
        return [naive_distance(distance, p, t) for p, t in zip(sources, targets, strict=True)]
    losses = []
    for i, source in enumerate(sources):
        scores = torch.stack([(1 - naive_distance("cosine", source, target)) / temperature for target in targets])
        losses.append(torch.logsumexp(scores, 0) - scores[i])
    return losses


def naive_llm_jepa(
    model: Any, pairs: Sequence[Pair], *, distance: str = "cosine", temperature: float = 0.07,
    lambda_jepa: float = 1.0, gamma_ntp: float = 1.0, reverse: bool = False, stop_target: bool = False,
    ntp_count: int | None = None, jepa_count: int | None = None,
) -> TextLoss:  # fmt: skip
    """``gamma_ntp · ntp + lambda_jepa · jepa``, means over labelled tokens and over counted pairs.

    reverse: the target view foretells the source view; predictor tokens belong to the view that foretells, so give
    them to `target`. counts: denominators where a step is larger than these pairs.
    """
    ntp = [loss for pair in pairs for loss in label_losses(model, pair.ids, pair.labelled)]
    sources, targets = [], []
    for pair in pairs:
        if pair.source is None or pair.target is None or lambda_jepa == 0:
            continue
        first, second = state(model, pair.source), state(model, pair.target)
        source, target = (second, first) if reverse else (first, second)
        sources.append(source)
        targets.append(target.detach() if stop_target else target)
    return total(
        ntp, pair_losses(sources, targets, distance, temperature), lambda_jepa, gamma_ntp, ntp_count, jepa_count
    )


def total(
    ntp: list[Tensor], jepa: list[Tensor], lambda_jepa: float, gamma_ntp: float,
    ntp_count: int | None = None, jepa_count: int | None = None,
) -> TextLoss:  # fmt: skip
    ntp_loss, jepa_loss = mean(ntp, ntp_count), mean(jepa, jepa_count)
    terms = [weight * loss for weight, loss in ((gamma_ntp, ntp_loss), (lambda_jepa, jepa_loss)) if loss is not None]
    return TextLoss(mean(terms, 1), ntp_loss, jepa_loss)


class Spanned(NamedTuple):
    """A conversation, its labels, the row's places that are its path, and spans (start, end) of that path."""

    ids: list[int]
    labelled: list[int]
    path: list[int]
    spans: list[tuple[int, int]]


def changes(states: Tensor, places: Sequence[int]) -> Tensor:
    """``d``: the sum of the states' changes into these places, each from the token before."""
    found = torch.zeros_like(states[0])
    for place in places:
        if place == 0:
            raise ValueError("the first token has none before it")
        found = found + states[place] - states[place - 1]
    return found


def span_weight(span: int, whole: int, how: str) -> float:
    """The weight of a pair, by the lengths of span and rest."""
    rest = whole - span
    if how == "none":
        return 1.0
    if how == "cosine_like":
        return 2 * rest * span / (rest**2 + span**2)
    if how == "jaccard_like":
        return 1 - abs(rest - span) / (rest + span)
    raise ValueError(f"weights: {how!r}")


def naive_stp(
    model: Any, samples: Sequence[Spanned], *, weights: str = "none", layer: int = -1, distance: str = "cosine",
    lambda_jepa: float = 1.0, gamma_ntp: float = 1.0,
) -> TextLoss:  # fmt: skip
    """STP as released: the change over the rest of the path foretells that over a span cut out of it.

    The JEPA loss is Σ w · distance / Σ w over all spans of all samples.
    """
    ntp, jepa, total_weight = [], [], 0.0
    for sample in samples:
        ntp += label_losses(model, sample.ids, sample.labelled)
        states = forward(model, sample.ids).hidden_states[layer][0]
        for start, end in sample.spans:
            inside = sample.path[start:end]
            outside = sample.path[:start] + sample.path[end:]
            if not inside or not outside:
                raise ValueError(f"span {start, end} of a path of {len(sample.path)}")
            weight = span_weight(len(inside), len(sample.path), weights)
            jepa.append(weight * naive_distance(distance, changes(states, outside), changes(states, inside)))
            total_weight += weight
    loss = total(ntp, [], lambda_jepa, gamma_ntp)
    if not jepa:
        return loss
    jepa_loss = torch.stack(jepa).sum() / total_weight
    return TextLoss(gamma_ntp * loss.ntp_loss + lambda_jepa * jepa_loss, loss.ntp_loss, jepa_loss)


class Pointed(NamedTuple):
    """A conversation, its labels, and triples s < r < t of its places."""

    ids: list[int]
    labelled: list[int]
    points: list[tuple[int, int, int]]


def naive_tube(
    model: Any, samples: Sequence[Pointed], *, layer: int = -1, lambda_jepa: float = 1.0, gamma_ntp: float = 1.0
) -> TextLoss:
    """STP as printed: 1 - cos(h_t - h_r, h_r - h_s), the mean over all triples of all samples."""
    ntp, jepa = [], []
    for sample in samples:
        ntp += label_losses(model, sample.ids, sample.labelled)
        states = forward(model, sample.ids).hidden_states[layer][0]
        for s, r, t in sample.points:
            if not s < r < t:
                raise ValueError(f"points {s, r, t}")
            jepa.append(naive_distance("cosine", states[t] - states[r], states[r] - states[s]))
    return total(ntp, jepa, lambda_jepa, gamma_ntp)


def gradients(model: Any, loss: Tensor) -> Gradients:
    """The gradient by parameter name, zeros where none arrives; ``.grad`` is left alone."""
    named = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    found = torch.autograd.grad(loss, list(named.values()), allow_unused=True, materialize_grads=True)
    return dict(zip(named, found, strict=True))
