"""Ranks of the right tokens, and the metrics made of them.

Axes: ``l`` labelled tokens, ``d`` width, ``v`` vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from jepa_core.tensors import wide

HITS = (1, 3, 10)

#: Logits held at once, in numbers (8 MiB in fp32): a processor's cache, since each is read several times.
CHUNK = 1 << 21


@dataclass(frozen=True)
class TokenScores:
    """rank: ``l`` float64, 1 + better + ties / 2 over the whole vocabulary; log_p: ``l`` float64.

    NaN beats the label: a label whose own score is NaN has the last rank.
    """

    rank: Tensor
    log_p: Tensor

    def cpu(self) -> TokenScores:
        return TokenScores(self.rank.cpu(), self.log_p.cpu())


def score_tokens(logits_of: Callable[[Tensor], Tensor], states: Tensor, label_ids: Tensor, vocab: int) -> TokenScores:
    """Scores the labels ``l`` given the hidden states ``l d`` that predict them.

    Candidates are all tokens of the model's vocabulary, unfiltered; the logits are made chunk by chunk.
    """
    chunk = max(1, CHUNK // vocab)
    parts = [
        _score(logits_of(some).float(), labels)
        for some, labels in zip(states.split(chunk), label_ids.split(chunk), strict=True)
    ]
    return TokenScores(*(wide(torch.cat(column)) for column in zip(*parts, strict=True)))


def _score(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    own = logits.gather(1, labels[:, None])
    worse = (logits < own).count_nonzero(dim=1)  # not sum(), which makes each of them an int64 first
    ties = (logits == own).count_nonzero(dim=1).clamp(min=1) - 1  # NaN does not even equal itself
    return logits.shape[1] - worse - ties / 2, own[:, 0] - logits.logsumexp(dim=1)


class MetricSums:
    """Sums over samples, from which the metrics are means; tallies of several ranks add up.

    Every sum is float64 in one tensor, so that one all-reduce joins ranks.
    """

    _SCALARS = (
        "samples",
        "tokens",
        "non_finite",
        "log_p",
        "mrr",
        "right",
        *(f"hits@{n}" for n in HITS),
    )

    def __init__(self, longest: int, terms: Sequence[str] = ("jepa",)):
        """longest: tokens of the longest sample, a bound on its answer's length; terms: names of the JEPA terms."""
        self.longest, self.terms = longest, terms
        self.sums = torch.zeros(len(self._SCALARS) + 2 * longest + 2 * len(terms), dtype=torch.float64)

    def add_answers(self, scores: TokenScores, sample: Tensor, ordinal: Tensor, samples: int) -> None:
        """Adds a batch of answers. sample, ordinal: ``l``, each token's sample and its place in the answer, from 0."""
        tokens = torch.zeros(samples, dtype=torch.float64).index_add(0, sample, torch.ones_like(scores.rank))

        def sum_of_means(values: Tensor) -> Tensor:
            """The sum over samples of the mean over a sample's tokens; samples without an answer add nothing."""
            return (torch.zeros(samples, dtype=torch.float64).index_add(0, sample, values) / tokens.clamp(min=1)).sum()

        wrong = torch.zeros(samples).index_add(0, sample, (scores.rank != 1).float())
        self._add("samples", (tokens > 0).sum())
        self._add("tokens", tokens.sum())
        self._add("non_finite", (~scores.log_p.isfinite()).sum())
        self._add("log_p", scores.log_p.sum())
        self._add("mrr", sum_of_means(1 / scores.rank))
        self._add("right", ((wrong == 0) & (tokens > 0)).sum())
        for n in HITS:
            self._add(f"hits@{n}", sum_of_means((scores.rank <= n).double()))
        by_place = self._by_place
        by_place[0].index_add_(0, ordinal, 1 / scores.rank)
        by_place[1].index_add_(0, ordinal, torch.ones_like(scores.rank))

    def add_distances(self, term: int, total: float, pairs: int) -> None:
        """Adds distances. term: the number of the JEPA term; total: their sum."""
        self._by_term[0, term] += total
        self._by_term[1, term] += pairs

    def metrics(self) -> dict[str, Any]:
        """The metrics; ``None`` where there is nothing to average. Losses in nats.

        ``non_finite``, only where there are any: how many of the answers' tokens have no finite likelihood, of how
        many.
        """
        sums = dict(zip(self._SCALARS, self.sums.tolist(), strict=False))
        samples, bad = sums["samples"], int(sums["non_finite"])
        distances, pairs = self._by_term.tolist()

        def per_sample(name: str) -> float | None:
            return sums[name] / samples if samples else None

        ranks, counts = self._by_place.tolist()
        return {
            "ntp_loss": -sums["log_p"] / sums["tokens"] if sums["tokens"] else None,
            **{f"{n}_loss": d / p if p else None for n, d, p in zip(self.terms, distances, pairs, strict=True)},
            "mrr": per_sample("mrr"),
            **{f"mrr_token{i + 1}": r / c for i, (r, c) in enumerate(zip(ranks, counts, strict=True)) if c},
            "joint_accuracy": per_sample("right"),
            "joint_log_likelihood": per_sample("log_p"),
            **{f"hits@{n}": per_sample(f"hits@{n}") for n in HITS},
            "num_samples": int(samples),
            **({"non_finite": {"tokens": bad, "of": int(sums["tokens"])}} if bad else {}),
        }

    @property
    def _by_place(self) -> Tensor:
        """``2 longest``: sums of reciprocal ranks, and counts of tokens, by place in the answer."""
        first = len(self._SCALARS)
        return self.sums[first : first + 2 * self.longest].view(2, self.longest)

    @property
    def _by_term(self) -> Tensor:
        """``2 terms``: distances summed, and counted pairs, by JEPA term."""
        return self.sums[len(self._SCALARS) + 2 * self.longest :].view(2, len(self.terms))

    def _add(self, name: str, value: Tensor | float) -> None:
        self.sums[self._SCALARS.index(name)] += value
