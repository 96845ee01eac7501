"""Views that break one clause each are named; those that keep all pass."""

from __future__ import annotations

import pytest
import torch

from jepa_core.contracts.broken import Broken
from jepa_core.contracts.views import check_ids, check_views, padded_twice
from jepa_core.samples.draws import Draws
from jepa_core.samples.samples import Samples
from jepa_core.views.pairs import Branch, NewBlock, Part, Views

#: Two samples, of three tokens and of two.
S = Samples(torch.tensor([[5, 6, 7], [8, 9, 0]]), torch.tensor([[1, 2, 2], [1, 2, 0]]))
WHOLE = Part(S.valid)
ONES = torch.ones(2)


def to(target: object) -> Views:
    return Views(((WHOLE, target),))  # type: ignore[arg-type]


def weighed(*weights: object) -> Views:
    return Views(((WHOLE, WHOLE),), weights)  # type: ignore[arg-type]


def labels(*rows: list[int]) -> NewBlock:
    return NewBlock(S, labels=torch.tensor(rows))


GOOD = {
    "parts": to(Part(S.tags == 2, branch=True)),
    "several pairs": Views(((WHOLE, WHOLE), (WHOLE, NewBlock(S)))),
    "another width": to(NewBlock(S.where(S.tags == 2))),
    "a view within a block": to(NewBlock(S, select=S.tags == 1)),
    "labels": to(labels([-100, 6, 7], [-100, 9, -100])),
    "a branch": to(Branch(S, after=torch.tensor([3, 0]))),
    "weights": weighed(torch.tensor([0.0, 2.5])),
    "no weights of a pair": weighed(None),
}
BROKEN = {
    "it returns Samples; a strategy returns Views": S,
    "its Views have no pair": Views(()),
    "a pair is 3 views": Views(((WHOLE, WHOLE, WHOLE),)),  # type: ignore[arg-type]
    "a pair is a Part": Views((WHOLE, WHOLE)),  # type: ignore[arg-type]
    "a view is a NoneType; expected a Part or a NewBlock": to(None),
    "a view is a Tensor": to(S.valid),
    "a part's select is a list": to(Part([True])),  # type: ignore[arg-type]
    r"select is \(2, 3\) of torch.float32, not \(2, 3\) of torch.bool": to(Part(S.valid.float())),
    r"select is \(2, 2\) of torch.bool, not \(2, 3\)": to(Part(S.valid[:, :2])),
    r"select is \(1, 3\) of torch.bool, not \(2, 3\)": to(Part(S.valid[:1])),
    r"select is \(2, 6\)": to(Part(S.valid.repeat(1, 2))),
    "select has padding in it": to(Part(torch.ones_like(S.valid))),
    "select has no token in row 1": to(Part(S.ids == 7)),
    "a new block holds a tuple": to(NewBlock((S.ids, S.tags))),  # type: ignore[arg-type]
    "a new block's ids is .* of torch.int32": to(NewBlock(Samples(S.ids.int(), S.tags))),
    "a new block's ids is .* of torch.float32": to(NewBlock(Samples(S.ids.float(), S.tags))),
    "a new block's tags is .* of torch.int32": to(NewBlock(Samples(S.ids, S.tags.int()))),
    r"a new block's ids is \(1, 3\)": to(NewBlock(Samples(S.ids[:1], S.tags[:1]))),
    "padding before a real token": to(NewBlock(Samples(S.ids.flip(1), S.tags.flip(1)))),
    "a tag below 0": to(NewBlock(Samples(S.ids, -S.tags))),
    "the token -6": to(NewBlock(Samples(S.ids - 11, S.tags))),
    "a new block's view has no token in row 0": to(NewBlock(Samples(S.ids, S.tags * 0))),
    "view has no token in row 1": to(NewBlock(S, select=S.ids == 7)),
    r"view is \(2, 1\)": to(NewBlock(S, select=S.valid[:, :1])),
    "view has padding in it": to(NewBlock(S, select=torch.ones_like(S.valid))),
    r"labels is \(2, 1\)": to(NewBlock(S, labels=S.ids[:, :1])),
    "labels is .* of torch.float32": to(NewBlock(S, labels=S.ids.float())),
    "a label that is not the token it stands at": to(labels([-100, 6, 8], [-100, 9, -100])),
    "a label at padding, or at its first token": to(labels([5, 6, 7], [-100, 9, -100])),
    "at its first token, which nothing": to(labels([-100, 6, 7], [-100, 9, 0])),
    "a branch's after is a NoneType": to(Branch(S)),
    r"after is \(1,\)": to(Branch(S, after=torch.tensor([1]))),
    "a branch goes on after more tokens than its sample has": to(Branch(S, after=torch.tensor([3, 3]))),
    "or fewer than none": to(Branch(S, after=torch.tensor([3, -1]))),
    "there are 2 weights for 1 pairs": weighed(ONES, ONES),
    "there are 0 weights for 1 pairs": Views(((WHOLE, WHOLE),), weights=ONES[0]),  # type: ignore[arg-type]
    r"weights are no floating-point numbers \(2,\)": weighed(torch.ones(3)),
    r"weights are no floating-point numbers": weighed([1.0, 1.0]),
    r"are no floating-point numbers": weighed(torch.ones(2, dtype=torch.int64)),
    "weight is negative, or not finite": weighed(torch.tensor([1.0, -1.0])),
    "negative, or not finite": weighed(torch.tensor([1.0, float("nan")])),
}


def test_a_token_that_the_model_does_not_know():
    check_ids(to(NewBlock(S)), 10)
    check_ids(to(NewBlock(Samples(S.ids + 99 * ~S.valid, S.tags))), 10)  # at padding
    with pytest.raises(Broken, match="a new block has the token 9, and the model knows 0 to 8"):
        check_ids(to(NewBlock(S)), 9)


def test_every_sample_twice_with_more_padding():
    """Renderings and draws of the samples go with them."""
    with_rendering = Samples(S.ids, S.tags, {"other": S})
    more, draws = padded_twice((with_rendering, Draws(1, 2, torch.tensor([7, 8]), 3)))
    assert more.ids.tolist() == [[5, 6, 7, 0], [8, 9, 0, 0]] * 2
    assert more.tags.tolist() == [[1, 2, 2, 0], [1, 2, 0, 0]] * 2
    assert more.renderings["other"].ids.tolist() == S.ids.tolist() * 2
    assert draws == Draws(1, 2, draws.index, 3)
    assert draws.index.tolist() == [7, 8, 7, 8]


@pytest.mark.parametrize("name", GOOD)
def test_good_views_pass(name):
    check_views(S, GOOD[name])


@pytest.mark.parametrize("words", BROKEN)
def test_a_broken_clause_is_named(words):
    with pytest.raises(Broken, match=words):
        check_views(S, BROKEN[words])
