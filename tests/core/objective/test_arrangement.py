"""Arrangements: which rows share a call, and that every token is found again."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from jepa_core.objective.arrangement import Block, groups, one_block_a_row, side_by_side
from jepa_plugins.facts.roles import Role


def block(lengths: list[int], sample: list[int], first_id: int) -> Block:
    """Rows of these lengths whose tokens all have different ids, right-padded with id 0."""
    width = max(lengths)
    columns = torch.arange(width).expand(len(lengths), -1)
    real = columns < torch.tensor(lengths)[:, None]
    ids = (torch.arange(len(lengths) * width).view(-1, width) + first_id).where(real, 0)
    return Block(ids, torch.where(real, int(Role.HEAD), int(Role.PAD)), columns, torch.tensor(sample))


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        (0, [(3, 3), (4, 4), (9, 9)]),  # another call costs nothing: exact widths
        (2, [(3, 4), (9, 9)]),  # two rows of three padded by one: 2 tokens
        (1, [(3, 3), (4, 4), (9, 9)]),
        (14, [(3, 4), (9, 9)]),  # on to nine: three rows of four padded by five, 15 tokens
        (15, [(3, 9)]),
        (float("inf"), [(3, 9)]),
    ],
)
def test_rows_share_a_call_while_padding_costs_less_than_a_call(cost, expected):
    assert groups(np.array([4, 3, 9, 3]), cost) == expected


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.sampled_from([0.0, 3.0, 10.0, 40.0]))
def test_no_other_grouping_costs_less(lengths, cost):
    def price(ranges):
        return sum(cost + longest * sum(shortest <= n <= longest for n in lengths) for shortest, longest in ranges)

    def ways(values):
        """All ways to cut neighbouring lengths into ranges."""
        if not values:
            yield []
        for end in range(1, len(values) + 1):
            for rest in ways(values[end:]):
                yield [(values[0], values[end - 1]), *rest]

    found = groups(np.array(lengths), cost)
    assert found in list(ways(sorted(set(lengths))))
    assert price(found) == min(map(price, ways(sorted(set(lengths)))))


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=6),
    st.data(),
    st.sampled_from([0.0, 3.0, float("inf")]),
)
def test_every_token_is_found_again_in_either_arrangement(lengths, data, cost):
    chosen = data.draw(st.lists(st.sampled_from(range(len(lengths))), unique=True, min_size=1).map(sorted))
    blocks = [block(lengths, list(range(len(lengths))), 1), block([lengths[i] for i in chosen], chosen, 100)]
    for arrangement in (side_by_side(blocks), one_block_a_row(blocks, cost)):
        flat = torch.cat([call.ids.flatten() for call in arrangement.calls])
        kinds = torch.cat([call.block.flatten() for call in arrangement.calls])
        for number, (each, places) in enumerate(zip(blocks, arrangement.places, strict=True)):
            real = each.tags != Role.PAD
            assert torch.equal(flat[places][real], each.ids[real])
            assert (kinds[places][real] == number).all()
        real = sum(int((call.tags != Role.PAD).sum()) for call in arrangement.calls)
        assert real == sum(int((each.tags != Role.PAD).sum()) for each in blocks)


@given(
    st.lists(st.tuples(st.integers(1, 6), st.integers(1, 6)), min_size=1, max_size=6),
    st.lists(st.integers(1, 3), min_size=6, max_size=6),
    st.sampled_from([0.0, 3.0, float("inf")]),
)
def test_rows_that_branch_share_calls_by_length_too(rows, branch, cost):
    """And a token sees in its call what it sees where all rows share one."""
    lengths, everyone = [max(row) for row in rows], list(range(len(rows)))
    new = block(branch[: len(rows)], everyone, 100)
    prefix = torch.tensor([min(row) for row in rows])
    blocks = [block(lengths, everyone, 1), Block(new.ids, new.tags, new.positions, new.sample, prefix)]
    found = []
    for arrangement in (one_block_a_row(blocks, float("inf")), one_block_a_row(blocks, cost)):
        flat = torch.cat([call.ids.flatten() for call in arrangement.calls])
        seen = {}
        for each, places in zip(blocks, arrangement.places, strict=True):
            assert torch.equal(flat[places][each.tags != Role.PAD], each.ids[each.tags != Role.PAD])
        for call in arrangement.calls:
            for ids, tags, positions, apart in zip(call.ids, call.tags, call.positions, call.apart, strict=True):
                real = (tags != Role.PAD).nonzero().flatten()
                keys = [
                    tuple(ids[real][: place + 1][~apart[real][:, real][place, : place + 1]].tolist())
                    for place in range(len(real))
                ]
                seen |= dict(zip(zip(ids[real].tolist(), positions[real].tolist(), strict=True), keys, strict=True))
        found.append(seen)
    assert found[0] == found[1]
    if cost == 0:
        total = sum(call.ids.numel() for call in arrangement.calls)
        assert total == sum(int((call.tags != Role.PAD).sum()) for call in arrangement.calls), "nothing is padded"


@pytest.mark.parametrize(("cost", "shapes"), [(0, [(1, 2), (1, 3)]), (float("inf"), [(2, 3)])])
def test_no_call_is_wider_than_its_longest_row(cost, shapes):
    wide = block([2, 3, 5], [0, 1, 2], 1)
    blocks = [Block(wide.ids[:2], wide.tags[:2], wide.positions[:2], wide.sample[:2])]
    assert [call.ids.shape for call in one_block_a_row(blocks, cost).calls] == shapes


def test_reads_are_told_call_by_call():
    arrangement = one_block_a_row([block([2, 3], [0, 1], 1)], call_cost=0)
    assert [call.ids.shape for call in arrangement.calls] == [(1, 2), (1, 3)]
    first, second = arrangement.by_call(torch.tensor([4, 1, 2, 4]))
    assert (first.tolist(), second.tolist()) == ([1], [0, 2])
