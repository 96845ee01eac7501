"""A token of a stream sees what it sees in a packed row."""

from __future__ import annotations

import pytest
import torch

from jepa_core.objective.arrangement import side_by_side
from jepa_core.objective.one_stream import one_stream
from jepa_core.views.row_tokens import Tokens
from jepa_core.views.visibility import visible
from jepa_plugins.block_causal_mask import BlockCausalMask
from jepa_plugins.facts.concept_isolating_mask import ConceptIsolatingMask
from tests.core.objective.test_branches import STRATEGIES
from tests.support import small_batch, small_model, small_objective

MASKS = {"plain": BlockCausalMask(), "concept": ConceptIsolatingMask(1, 2)}


def plan_of(strategy, mask):
    return small_objective(small_model(n_layer=3), 2, layout="packed", reversal=STRATEGIES[strategy](), mask=mask).plan(
        small_batch()
    )


@pytest.mark.parametrize("by_sample", [True, False])
@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize("name", MASKS)
@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_pair_of_tokens(strategy, name, layer, by_sample):
    """Tokens see each other as in a row of their sample, one by one; between samples nothing is seen."""
    mask, plan = MASKS[name], plan_of(strategy, MASKS[name])
    if name != "plain" and not by_sample:
        return
    (row,) = side_by_side(plan.blocks).calls
    packed = visible(mask, Tokens.of(row.tags, row.block, row.piece), layer, row.apart)
    arranged = one_stream(plan.blocks, by_sample)
    stream = arranged.calls[0].stream
    tokens = torch.arange(len(stream.sample))
    seen = stream.sees(None if name == "plain" else mask, layer, None)(tokens[:, None], tokens)
    # where each token of the stream stands in the packed row: sample, column
    column = torch.empty_like(tokens)
    for places, packed_places, block in zip(
        arranged.places, side_by_side(plan.blocks).places, plan.blocks, strict=True
    ):
        real = block.tags != 0
        column[places[real]] = packed_places[real] % row.ids.shape[1]
    sample = stream.sample
    expected = packed[sample[:, None], column[:, None], column] & (sample[:, None] == sample)
    assert torch.equal(seen, expected)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_masks_of_groups_are_cut_out_of_that(strategy):
    """Together they hold every token once, and what a query sees lies within its group's keys."""
    plan = plan_of(strategy, BlockCausalMask())
    for by_sample in (True, False):
        stream = one_stream(plan.blocks, by_sample).calls[0].stream
        tokens = torch.arange(len(stream.sample))
        everything = stream.sees(None, 0, None)(tokens[:, None], tokens)
        found = torch.zeros_like(everything)
        builder = None if not by_sample else BlockCausalMask()
        for group, mask in zip(stream.groups, stream.masks(builder, 0, None), strict=True):
            query = group.queries()
            key = query if group.keys is None else group.keys
            if mask is None:
                mask = torch.ones(query.shape[1], key.shape[1]).tril().bool().expand(len(query), -1, -1)
            for rows in range(len(query)):
                for place in range(query.shape[1]):
                    if group.real is None or rows * query.shape[1] + place in group.real:
                        found[query[rows, place], key[rows][mask[rows, place]]] = True
        assert torch.equal(found, everything)


def test_a_window_counts_within_a_block_by_place_and_from_a_branch_by_position():
    plan = plan_of("at the question", BlockCausalMask())
    stream = one_stream(plan.blocks, False).calls[0].stream
    seen = stream.sees(None, 0, 2)
    tokens = torch.arange(len(stream.sample))
    for query, key in seen(tokens[:, None], tokens).nonzero().tolist():
        assert stream.positions[query] - stream.positions[key] in (0, 1)
    branch = (stream.branched.piece == 1).nonzero().flatten()
    first = branch[stream.place[branch] == 0][0]
    seen_by_first = seen(first, tokens).nonzero().flatten()
    assert stream.branched.piece[seen_by_first].tolist() == [0, 1], "the prefix's last token and itself"
