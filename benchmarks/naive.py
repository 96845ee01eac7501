"""The step as most people would write it: the yardstick of the benchmarks.

A language-model pass over the padded facts with logits at every position, a second, packed pass over the
eligible facts and their reversals under a dense 4-D mask, AdamW as a loop, three ``.item()`` a step.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, cross_entropy, pad

from jepa_plugins.facts.roles import Role


def naive_step(
    model: torch.nn.Module, optimizer: torch.optim.Optimizer, batch: dict[str, Tensor], first: int, k: int, pred: int
) -> tuple[float, float, float]:
    """One optimizer step. first: the first relation token id; k, pred: number and id of predictor tokens."""
    ids, tags = batch["input_ids"], batch["tags"]
    valid = (tags != Role.PAD).long()
    logits = model(input_ids=ids, attention_mask=valid).logits
    ntp = cross_entropy(logits[:, :-1].flatten(0, 1).float(), batch["labels"][:, 1:].flatten(), ignore_index=-100)
    loss, jepa = ntp, None
    eligible = batch["group"] == 0
    if eligible.any():
        jepa = jepa_loss(model, ids[eligible], tags[eligible], first, k, pred)
        loss = loss + jepa
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return loss.item(), ntp.item(), jepa.item() if jepa is not None else 0.0


def jepa_loss(model: torch.nn.Module, ids: Tensor, tags: Tensor, first: int, k: int, pred: int) -> Tensor:
    """The packed pass: a Python loop builds each row, a dense mask keeps its two blocks apart."""
    rows = [packed_row(i[r != Role.PAD], r[r != Role.PAD], first, k, pred) for i, r in zip(ids, tags, strict=True)]
    width = max(len(row) for row, _ in rows)
    packed = torch.stack([pad(row, (0, width - len(row))) for row, _ in rows])
    mask = torch.full((len(rows), 1, width, width), torch.finfo(torch.float32).min)
    for i, (row, split) in enumerate(rows):
        mask[i, 0, :split, :split].triu_(1)
        second = len(row) - split
        mask[i, 0, split : len(row), split : len(row)] = torch.full(
            (second, second), torch.finfo(torch.float32).min
        ).triu(1)
        mask[i, 0].fill_diagonal_(0)
    positions = torch.arange(width).expand(len(rows), -1)
    out = model(input_ids=packed, attention_mask=mask, position_ids=positions, output_hidden_states=True)
    hidden = out.hidden_states[-1]
    which = torch.arange(len(rows))
    predicted = hidden[which, torch.tensor([split - 1 for _, split in rows])]
    target = hidden[which, torch.tensor([len(row) - 1 for row, _ in rows])]
    return (1 - cosine_similarity(predicted, target)).mean()


def packed_row(ids: Tensor, tags: Tensor, first: int, k: int, pred: int) -> tuple[Tensor, int]:
    """Fact, predictors and reversed fact, and where the second block begins."""
    relation = int(ids[tags == Role.RELATION])
    inverse = relation + 1 if relation % 2 == first % 2 else relation - 1
    reverse = torch.cat(
        [ids[tags == Role.TAIL], torch.tensor([inverse]), ids[tags == Role.MASK], ids[tags == Role.HEAD]]
    )
    return torch.cat([ids, torch.full((k,), pred), reverse]), len(ids) + k
