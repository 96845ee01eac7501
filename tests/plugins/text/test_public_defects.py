"""The checks of test_defects.py themselves: red where the thing has the public code's defect."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from tests.plugins.text import public_defects as defects

IGNORE, SAME = -100, 9  # pad and end are one token
TAGS = torch.tensor([[4, 2, 2, 4, 3, 3, 5], [4, 2, 4, 3, 5, 0, 0]])
IDS = torch.tensor([[1, 20, 21, 2, 30, 31, SAME], [1, 22, 2, 32, SAME, SAME, SAME]])
ANSWERS = torch.where((TAGS == 3) | (TAGS == 5), IDS, IGNORE)


def batch(labels):
    return {"input_ids": IDS, "tags": TAGS, "labels": labels}


def test_labels():
    defects.ends_are_labelled(batch(ANSWERS), end=5)
    defects.prompts_are_not_labelled(batch(ANSWERS), answered={3, 5})


def test_labels_as_the_public_collator_makes_them():
    theirs = batch(torch.where(IDS == SAME, IGNORE, IDS))
    with pytest.raises(AssertionError):
        defects.ends_are_labelled(theirs, end=5)
    with pytest.raises(AssertionError):
        defects.prompts_are_not_labelled(theirs, answered={3, 5})
    padded = batch(torch.where(IDS == SAME, IDS, ANSWERS))
    with pytest.raises(AssertionError):
        defects.ends_are_labelled(padded, end=5)


class Objective(torch.nn.Module):
    """An embedding table as a model: ntp is the mean of a batch's labelled states, jepa of its pairs'."""

    def __init__(self, frozen=False, drops=True, rate=0.0, mean_of_means=False):
        super().__init__()
        self.table = torch.nn.Embedding(10, 2)
        self.rows = torch.nn.Parameter(torch.ones(2, 2), requires_grad=not frozen)  # of tokens 8 and 9
        self.table.weight.requires_grad_(False)
        self.other = torch.nn.Parameter(torch.ones(2))
        self.model = SimpleNamespace(get_input_embeddings=lambda: self.embed)
        self.drops, self.rate, self.mean_of_means = drops, rate, mean_of_means

    def embed(self, ids):
        return torch.where((ids >= 8)[:, None], self.rows[(ids - 8).clamp(0)], self.table(ids))

    def forward(self, ids, counts=None):
        states = self.embed(ids.flatten()) * self.other
        kept = ids.flatten() % 3 > 0
        sums = {"ntp": (states.sum(), len(ids)), "jepa": ((states * kept[:, None]).square().sum(), int(kept.sum()))}
        terms = {name: SimpleNamespace(count=count) for name, (_, count) in sums.items()}
        counts = {} if self.mean_of_means else counts or {}
        loss = sum(total / max(1, counts.get(name, count)) for name, (total, count) in sums.items())
        pairs = int(len(ids) * (1 - self.rate)) if self.drops else len(ids)
        return SimpleNamespace(terms=terms, loss=loss, jepa_pairs=pairs, jepa_loss=None if pairs == 0 else loss)


def run(**options):
    torch.manual_seed(0)
    return SimpleNamespace(
        objective=Objective(**options),
        train_dataset=torch.tensor([[8], [3], [9], [1], [8], [2], [6]]),
        collate=lambda rows: {"ids": torch.stack(rows)},
    )


def test_accumulation():
    defects.parts_add_up_to_the_step(run(), range(7), 3)
    with pytest.raises(AssertionError):
        defects.parts_add_up_to_the_step(run(mean_of_means=True), range(7), 3)


def test_the_baseline():
    defects.weight_zero_is_the_baseline({"w": torch.ones(2)}, {"w": torch.ones(2)})
    for other in ({"w": torch.tensor([1, 1 + 2e-7])}, {"v": torch.ones(2)}):
        with pytest.raises(AssertionError):
            defects.weight_zero_is_the_baseline({"w": torch.ones(2)}, other)


def test_predictor_tokens():
    defects.predictors_are_trained(run(), range(7), [8, 9], known=3)
    with pytest.raises(AssertionError):
        defects.predictors_are_trained(run(frozen=True), range(7), [8, 9], known=3)


def test_loss_dropout():
    defects.dropout_drops_in_each_layout(lambda layout, rate: run(rate=rate), ["packed", "rows"], range(6))
    with pytest.raises(AssertionError):
        defects.dropout_drops_in_each_layout(
            lambda layout, rate: run(rate=rate, drops=layout == "packed"), ["packed", "rows"], range(6)
        )


def test_scorers():
    defects.scorers_do_what_their_names_say()
