"""Cross-entropy at labelled tokens, with few logits in memory at a time."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.utils.checkpoint import checkpoint

#: Logits held at once, in numbers (128 MiB in fp32); more labels are done in chunks.
CHUNK = 1 << 25


def cross_entropy_sum(logits_of: Callable[[Tensor], Tensor], states: Tensor, labels: Tensor, vocab: int) -> Tensor:
    """The cross-entropy of `labels` ``l``, summed, in nats; a scalar in fp32.

    states: ``l d``, the hidden states that predict them; logits_of: ``l d`` to ``l v``. A chunk's logits are
    made again in the backward pass instead of kept, so memory stays at one chunk for any number of labels.
    """
    size = max(1, CHUNK // vocab)
    if len(labels) <= size:
        return _sum(logits_of, states, labels)
    chunks = zip(states.split(size), labels.split(size), strict=True)
    parts = [checkpoint(_sum, logits_of, *chunk, use_reentrant=False) for chunk in chunks]
    return sum(parts[1:], start=parts[0])


def _sum(logits_of: Callable[[Tensor], Tensor], states: Tensor, labels: Tensor) -> Tensor:
    return cross_entropy(logits_of(states).float(), labels, reduction="sum")
