"""Seven defects of the public code, each as a check that something built here does not have it.

Each takes what it looks at (a batch, a built run, a way to make one) and fails by AssertionError. Of a run they use
``objective``, ``train_dataset`` and ``collate``, and the model's input embeddings.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from jepa_core.errors import JepaError
from jepa_plugins.text.scoring.scorers import make_scorer

PAD, IGNORE = 0, -100
Batch = Mapping[str, Tensor]


def ends_are_labelled(batch: Batch, end: int) -> None:
    """1. There the end token is never trained where pad is the same token. By place: every end is a label, no padding is."""
    is_end, is_padding = batch["tags"] == end, batch["tags"] == PAD
    assert is_end.any(1).all(), "a row without an end"
    assert torch.equal(batch["labels"][is_end], batch["input_ids"][is_end])
    assert (batch["labels"][is_padding] == IGNORE).all()


def prompts_are_not_labelled(batch: Batch, answered: Collection[int]) -> None:
    """2. There the collator drops labels and makes its own, of prompts too. answered: tags of answers and their ends."""
    labelled = batch["labels"] != IGNORE
    assert set(batch["tags"][labelled].tolist()) <= {*answered}
    assert torch.equal(batch["labels"][labelled], batch["input_ids"][labelled])


def parts_add_up_to_the_step(run: Any, rows: Sequence[int], parts: int) -> None:
    """3. There the JEPA arm's gradient is a sum over micro-batches. With the step's counts: one big batch's."""
    whole = run.objective(**_batch(run, rows))
    counts = {name: term.count for name, term in whole.terms.items()}
    size = -(-len(rows) // parts)
    split = [_batch(run, rows[start : start + size]) for start in range(0, len(rows), size)]
    total = sum(run.objective(**part, counts=counts).loss for part in split)
    weights = [weight for weight in run.objective.parameters() if weight.requires_grad]
    one, other = (
        torch.autograd.grad(loss, weights, allow_unused=True, materialize_grads=True) for loss in (whole.loss, total)
    )
    for first, second in zip(one, other, strict=True):
        torch.testing.assert_close(first, second, rtol=1e-4, atol=1e-6)


def _batch(run: Any, rows: Sequence[int]) -> dict[str, Tensor]:
    return run.collate([run.train_dataset[row] for row in rows])


def weight_zero_is_the_baseline(with_zero: Mapping[str, Tensor], baseline: Mapping[str, Tensor]) -> None:
    """4. There the baseline is another trainer. The weights of both runs are the same, bit for bit."""
    assert with_zero.keys() == baseline.keys()
    assert [name for name in baseline if not torch.equal(with_zero[name], baseline[name])] == []


def predictors_are_trained(run: Any, rows: Sequence[int], pred_ids: Sequence[int], known: int) -> None:
    """5. There LoRA freezes them. A step on what can be trained moves their embeddings, and not the known tokens'."""
    table = run.objective.model.get_input_embeddings()
    ids = torch.tensor([*pred_ids, known])
    before = table(ids).detach().clone()
    weights = [weight for weight in run.objective.parameters() if weight.requires_grad]
    run.objective(**_batch(run, rows)).loss.backward()
    torch.optim.SGD(weights, lr=1.0).step()
    moved = (table(ids) - before).abs().amax(1) > 0
    assert moved.tolist() == [True] * len(pred_ids) + [False]


def dropout_drops_in_each_layout(
    make_run: Callable[[str, float], Any], layouts: Sequence[str], rows: Sequence[int]
) -> None:
    """6. There --jepa_ratio needs --additive_mask. make_run: a run by layout and rate, in training."""
    pairs = {}
    for layout in layouts:
        for rate in (0.0, 0.5, 1.0):
            run = make_run(layout, rate)
            output = run.objective(**_batch(run, rows))
            assert (output.jepa_loss is None) == (output.jepa_pairs == 0)
            pairs[layout, rate] = output.jepa_pairs
    for layout in layouts:
        assert pairs[layout, 0.0] == len(rows)
        assert 0 < pairs[layout, 0.5] < len(rows)
        assert pairs[layout, 1.0] == 0
    assert len({pairs[layout, 0.5] for layout in layouts}) == 1


def scorers_do_what_their_names_say() -> None:
    """7. There a file's name chooses how to score, and else exact match is used in silence."""
    assert make_scorer("number")[1]("so it is\n#### 1,016", "#### 1016", "")
    assert not make_scorer("exact")[1]("so it is\n#### 1,016", "#### 1016", "")
    for wanted in ("gsm8k", "sql_execution", {"name": "sql_execution", "databases": "no such folder"}):
        with pytest.raises(JepaError):
            make_scorer(wanted)
