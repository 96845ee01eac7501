"""Geometry by hand; distributions against drawing again until it fits, and against counting."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
import torch

from jepa_plugins.text.spans import (
    change_factors,
    draw_neighbours,
    draw_points,
    draw_spans,
    pair_weights,
    path,
    places_in_row,
    split_steps,
    tokens_of_steps,
    within,
)

USER, ASSISTANT, OTHER, PAD = 2, 3, 4, 0
#: bos, template, user × 3, template × 2, assistant × 2, end, padding
TAGS = torch.tensor([[4, 4, 2, 2, 2, 4, 4, 3, 3, 5, 0]])


def chosen(through, tags=TAGS):
    return path(tags, USER, ASSISTANT, through)[0].nonzero().flatten().tolist()


def test_four_paths():
    assert chosen("contents") == [2, 3, 4, 7, 8]
    assert chosen("end_to_end") == [2, 3, 4, 5, 6, 7, 8]
    assert chosen("prompt") == [1, 2, 3, 4, 7, 8]
    assert chosen("all") == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_rows_first_token_is_on_no_path():
    tags = torch.tensor([[2, 2, 3, 5]])
    assert chosen("contents", tags) == chosen("end_to_end", tags) == chosen("all", tags) == [1, 2]


def grid(n: int) -> torch.Tensor:
    """n² pairs of draws, evenly spread over the square."""
    axis = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    return torch.cartesian_prod(axis, axis)


def shares(length: int, **options) -> dict[tuple[int, int], float]:
    draws = grid(210)
    return shares_of(draw_spans(torch.full((len(draws),), length), draws, **options))


def shares_of(rows: torch.Tensor) -> dict[tuple[int, ...], float]:
    found, counts = rows.unique(dim=0, return_counts=True)
    return {tuple(row): count / len(rows) for row, count in zip(found.tolist(), counts.tolist(), strict=True)}


def start_then_end(length, from_start=False, max_length=10**9):
    """Draws by the definition: the start from the path; the end again and again, until the span is not all of it."""
    result = Counter()
    starts = [0] if from_start else range(length)
    for start in starts:
        ends = [end for end in range(start + 1, min(length, start + max_length) + 1) if end - start < length]
        for end in ends:
            result[start, end] += 1 / len(starts) / len(ends)
    return result


@pytest.mark.parametrize("length", [2, 3, 5, 7])
@pytest.mark.parametrize("options", [{}, {"from_start": True}, {"max_length": 2}, {"max_length": 100}])
def test_the_start_first_then_the_end(length, options):
    assert shares(length, **options) == pytest.approx(start_then_end(length, **options), abs=0.02)


@pytest.mark.parametrize("length", [2, 3, 4, 7])
def test_both_at_once(length):
    """Two points, drawn again where they are the same or both ends."""
    pairs = [(min(a, b), max(a, b)) for a in range(length) for b in range(1, length + 1)]
    kept = Counter(span for span in pairs if span[0] < span[1] and span != (0, length))
    expected = {span: count / kept.total() for span, count in kept.items()}
    assert shares(length, how="both") == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize("length", [2, 3, 4, 7, 8])
def test_all_spans_alike(length):
    spans = [span for span in combinations(range(length + 1), 2) if span != (0, length)]
    found = shares(length, how="uniform")
    assert found == pytest.approx({span: 1 / len(spans) for span in spans}, abs=0.02)


@pytest.mark.parametrize("how", ["start_first", "both", "uniform"])
def test_every_span_is_inside_and_shorter_than_its_path(how):
    draws = torch.cat([grid(30), torch.tensor([[0.0, 0.0], [1 - 2**-53, 1 - 2**-53], [0.0, 1 - 2**-53]])])
    for length in (2, 3, 11, 4000):
        for options in ({}, {"from_start": True}, {"max_length": 3}, {"from_start": True, "max_length": 1}):
            start, end = draw_spans(torch.full((len(draws),), length), draws, how, **options).unbind(1)
            assert (start >= 0).all()
            assert (end <= length).all()
            assert (end > start).all()
            assert (end - start < length).all()
            assert (end - start <= options.get("max_length", length)).all()
            assert not options.get("from_start") or (start == 0).all()


def test_a_path_too_short_has_no_span_and_no_points():
    lengths = torch.tensor([0, 1, 2, 3])
    half = torch.full((4, 3), 0.5)
    assert draw_spans(lengths, half[:, :2])[:, 1].gt(0).tolist() == [False, False, True, True]
    assert draw_points(lengths, half)[:, 2].gt(0).tolist() == [False, False, False, True]


def test_three_points_in_order_all_choices_alike():
    axis = (torch.arange(40, dtype=torch.float64) + 0.5) / 40
    draws = torch.cartesian_prod(axis, axis, axis)
    found = Counter(map(tuple, draw_points(torch.full((len(draws),), 5), draws).tolist()))
    expected = dict.fromkeys(combinations(range(5), 3), 1 / 10)
    assert {points: count / len(draws) for points, count in found.items()} == pytest.approx(expected, abs=0.02)


def test_three_neighbours_all_places_alike():
    draws = (torch.arange(900, dtype=torch.float64) + 0.5) / 900
    found = shares_of(draw_neighbours(torch.full((900,), 5), draws))
    assert found == pytest.approx({(0, 1, 2): 1 / 3, (1, 2, 3): 1 / 3, (2, 3, 4): 1 / 3})
    assert draw_neighbours(torch.tensor([2, 3]), draws[-2:]).tolist() == [[0, 0, 0], [0, 1, 2]]


def test_from_the_paths_coordinates_to_the_rows():
    select = path(TAGS, USER, ASSISTANT)
    assert within(select, torch.tensor([[1, 4]])).nonzero()[:, 1].tolist() == [3, 4, 7]
    assert within(select, torch.tensor([[0, 0]])).sum() == 0
    assert places_in_row(select, torch.tensor([[0, 2, 3, 4]])).tolist() == [[2, 4, 7, 8]]


def test_displacement_by_hand():
    """Tokens 3, 4 and 7: h4 - h2 + h7 - h6."""
    select = within(path(TAGS, USER, ASSISTANT), torch.tensor([[1, 4]]))
    assert change_factors(select).tolist() == [[0, 0, -1, 0, 1, 0, -1, 1, 0, 0, 0]]
    states = torch.arange(11.0).square()[None]
    assert (change_factors(select) * states).sum().item() == 16 - 4 + 49 - 36


def test_span_and_rest_make_the_whole_path():
    torch.manual_seed(0)
    states = torch.randn(1, 11, 4)
    select = path(TAGS, USER, ASSISTANT, "contents")
    whole = (change_factors(select)[..., None] * states).sum(1)
    assert torch.allclose(whole[0], states[0, 4] - states[0, 1] + states[0, 8] - states[0, 6])
    span = within(select, torch.tensor([[2, 4]]))
    parts = [(change_factors(part)[..., None] * states).sum(1) for part in (span, select & ~span)]
    assert torch.allclose(sum(parts), whole, atol=1e-6)


def test_weights_by_hand():
    span, whole = torch.tensor([1, 2, 3]), torch.tensor([4, 4, 4])
    assert pair_weights(span, whole).tolist() == [1, 1, 1]
    assert pair_weights(span, whole, "cosine_like").tolist() == pytest.approx([0.6, 1, 0.6])
    assert pair_weights(span, whole, "jaccard_like").tolist() == pytest.approx([0.5, 1, 0.5])


def test_steps():
    text = "one\n\ntwo, too\n  \nthree\n"
    assert [text[start:end] for start, end in split_steps(text)] == ["one", "two, too", "three"]
    assert [text[a:b] for a, b in split_steps(text, r",|\n\s*")] == ["one", "two", " too", "three"]
    assert split_steps("one", "x*") == [(0, 3)], "an empty match is no cut"
    assert split_steps(" \n ") == []


def test_tokens_of_steps():
    steps = split_steps("ab cd\nef\n\ng")
    offsets = [(0, 2), (3, 5), (5, 6), (6, 8), (8, 10), (10, 11)]
    assert tokens_of_steps(offsets, steps) == [[0, 1], [3], [5]]
