"""Ways to run a batch of text pairs through a model, as calls that can be timed.

The public way is that of galilai-group/llm-jepa: every rendering padded to a fixed length, logits of all tokens. Its
labels are ours here, which are fewer and cost as much.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity, cross_entropy, pad

from jepa_core.assembly.build import Run
from jepa_core.samples.sample_set import Batch
from jepa_core.samples.samples import IGNORE, PAD


def timed(run: Run, batch: Batch, width: int) -> dict[str, Callable[[], object]]:
    """Way -> a step without the optimizer's. width: that the public way pads to."""
    rows = renderings(batch, run.vocabulary.pred_ids)
    model = run.objective.model

    def ours() -> None:
        run.objective.train()
        run.objective(**batch).loss.backward()

    return {
        "ours": _clean(model, ours),
        "three passes": _clean(model, lambda: passes(model, rows, batch["labels"])),
        "public, additive masks": _clean(model, lambda: additive(model, rows, batch["labels"], width)),
        "public": _clean(model, lambda: public(model, rows, batch["labels"], width)),
    }


def renderings(batch: Batch, pred_ids: tuple[int, ...]) -> list[tuple[Tensor, Tensor]]:
    """The conversation, the question with its predictor tokens, and the answer: ids and 1 at real tokens, each
    ``b s``."""
    count = len(pred_ids)
    asked, real = batch["prefix_ids"], batch["prefix_tags"] != PAD
    asked, real = pad(asked, (0, count)), pad(real, (0, count)).long()
    ends = real.sum(dim=1, keepdim=True) + torch.arange(count)
    asked, real = asked.scatter(1, ends, torch.tensor(pred_ids).expand(len(asked), -1)), real.scatter(1, ends, 1)
    whole, answer = batch["tags"] != PAD, batch["answer_tags"] != PAD
    return [(batch["input_ids"], whole.long()), (asked, real), (batch["answer_ids"], answer.long())]


def passes(model: Any, rows: list[tuple[Tensor, Tensor]], labels: Tensor) -> None:
    """Each rendering padded to its own longest, one call each."""
    whole = model(input_ids=rows[0][0], attention_mask=rows[0][1], use_cache=False)
    asked, answer = (
        _last(model.base_model(input_ids=ids, attention_mask=real, use_cache=False).last_hidden_state, real)
        for ids, real in rows[1:]
    )
    (_ntp(whole.logits, labels) + _jepa(asked, answer)).backward()


def public(model: Any, rows: list[tuple[Tensor, Tensor]], labels: Tensor, width: int) -> None:
    """All renderings as one batch of 3 b rows."""
    ids, real = (torch.cat([_wide(pair[part], width) for pair in rows]) for part in (0, 1))
    out = model(input_ids=ids, attention_mask=real, use_cache=False, output_hidden_states=True)
    size = len(labels)
    last = _last(out.hidden_states[-1], real)
    loss = _ntp(out.logits[:size], _wide(labels, width, IGNORE)) + _jepa(last[size : 2 * size], last[2 * size :])
    loss.backward()


def additive(model: Any, rows: list[tuple[Tensor, Tensor]], labels: Tensor, width: int) -> None:
    """Question and answer share a row, and a mask keeps them apart: 2 b rows."""
    size, (whole, asked, answer) = len(labels), rows
    both = torch.cat([asked[0], answer[0]], dim=1)
    block = torch.cat([asked[1], 2 * answer[1]], dim=1)
    ids = torch.cat([_wide(whole[0], width), _wide(both, width)])
    block = torch.cat([_wide(whole[1], width), _wide(block, width)])
    seen = (block[:, :, None] == block[:, None]) & torch.ones(width, width, dtype=torch.bool).tril()
    mask = torch.zeros(seen.shape).masked_fill(~seen, torch.finfo(torch.float32).min)[:, None]
    out = model(input_ids=ids, attention_mask=mask, use_cache=False, output_hidden_states=True)
    states, of = out.hidden_states[-1][size:], block[size:]
    loss = _ntp(out.logits[:size], _wide(labels, width, IGNORE)) + _jepa(_last(states, of == 1), _last(states, of == 2))
    loss.backward()


def _clean(model: Any, call: Callable[[], object]) -> Callable[[], object]:
    def run() -> None:
        model.train()
        model.zero_grad(set_to_none=True)
        call()

    return run


def _wide(rows: Tensor, width: int, value: int = 0) -> Tensor:
    return pad(rows, (0, width - rows.shape[1]), value=value)


def _last(states: Tensor, real: Tensor) -> Tensor:
    """``b d``: the state at each row's last real token."""
    place = torch.arange(real.shape[1]).where(real > 0, 0).amax(dim=1)
    return states[torch.arange(len(states)), place]


def _ntp(logits: Tensor, labels: Tensor) -> Tensor:
    return cross_entropy(logits[:, :-1].flatten(0, 1).float(), labels[:, 1:].flatten(), ignore_index=IGNORE)


def _jepa(asked: Tensor, answer: Tensor) -> Tensor:
    return 0.1 * (1 - cosine_similarity(asked, answer)).mean()
