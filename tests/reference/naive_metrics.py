"""The metrics of one split, sample by sample and token by token: the numbers that evaluation must give.

Candidates are the whole vocabulary, nothing is filtered out; the answer's earlier tokens are given (teacher
forced). Samples are those of :mod:`naive_objective`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from .naive_objective import Sample, answer_places, fact_pass


class TokenResult(NamedTuple):
    """One answer token: its rank (1 is best) and its natural log-probability."""

    rank: float
    log_p: float


def rank(logits: Sequence[float], token: int) -> float:
    """``1 + better + ties/2``; the token is no tie of its own."""
    better = ties = 0
    for other, logit in enumerate(logits):
        if logit > logits[token]:
            better += 1
        elif logit == logits[token] and other != token:
            ties += 1
    return 1 + better + ties / 2


def log_probability(logits: Sequence[float], token: int) -> float:
    top = max(logits)
    return logits[token] - top - math.log(math.fsum(math.exp(logit - top) for logit in logits))


def fact_logits(
    model: Any,
    sample: Sample,
    layer: int | None,
    final_norm: Callable[[Tensor], Tensor] | None,
    lm_head: Callable[[Tensor], Tensor] | None,
    positions: str,
) -> Tensor:
    """``s v``: the model's own, or those of a layer (0 = embeddings, n = after the final norm)."""
    out = fact_pass(model, sample, positions)
    if layer is None:
        return out.logits[0]
    if final_norm is None or lm_head is None:
        raise ValueError("a layer's logits need final_norm and lm_head")
    # The last entry has been through the final norm; a second time would change it.
    is_last = layer in (-1, len(out.hidden_states) - 1)
    states = out.hidden_states[layer]
    return lm_head(states if is_last else final_norm(states))[0]


def mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def naive_metrics(
    model: Any,
    samples: Sequence[Sample],
    *,
    layer: int | None = None,
    final_norm: Callable[[Tensor], Tensor] | None = None,
    lm_head: Callable[[Tensor], Tensor] | None = None,
    positions: str = "continue",
) -> dict[str, float | None]:
    """All metrics but the JEPA loss; None for a mean over nothing. Log-probabilities in nats."""
    results = []
    for sample in samples:
        with torch.no_grad():
            logits = fact_logits(model, sample, layer, final_norm, lm_head, positions).tolist()
        places = answer_places(sample)
        results.append([TokenResult(rank(logits[i], token), log_probability(logits[i], token)) for i, token in places])
    return summary(results)


def summary(results: Sequence[Sequence[TokenResult]]) -> dict[str, float | None]:
    """Means over samples of token means, but for `ntp_loss` (all tokens) and `mrr_tokenN` (Nth tokens)."""
    metrics: dict[str, float | None] = {
        "num_samples": len(results),
        "ntp_loss": mean([-token.log_p for tokens in results for token in tokens]),
        "mrr": mean_of_means([[1 / token.rank for token in tokens] for tokens in results]),
        "joint_accuracy": mean([float(all(token.rank == 1 for token in tokens)) for tokens in results]),
        "joint_log_likelihood": mean([math.fsum(token.log_p for token in tokens) for tokens in results]),
    }
    for n in (1, 3, 10):
        hits = [[float(token.rank <= n) for token in tokens] for tokens in results]
        metrics[f"hits@{n}"] = mean_of_means(hits)
    for i in range(max((len(tokens) for tokens in results), default=0)):
        metrics[f"mrr_token{i + 1}"] = mean([1 / tokens[i].rank for tokens in results if len(tokens) > i])
    return metrics


def mean_of_means(values: Sequence[Sequence[float]]) -> float | None:
    return mean([math.fsum(tokens) / len(tokens) for tokens in values])
