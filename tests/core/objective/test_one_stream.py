"""One stream: every token once, found again, in groups and tiles that hold what it sees."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jepa_core.model.flex_attention import TILE
from jepa_core.objective.one_stream import one_stream
from jepa_core.samples.samples import Samples
from jepa_core.views.row_tokens import Tokens
from jepa_plugins.facts.roles import Role
from tests.core.objective.test_arrangement import block
from tests.support import small_batch


@given(st.lists(st.integers(1, 6), min_size=1, max_size=6), st.data(), st.booleans())
def test_every_token_is_found_again(lengths, data, by_sample):
    chosen = data.draw(st.lists(st.sampled_from(range(len(lengths))), unique=True, min_size=1).map(sorted))
    blocks = [block(lengths, list(range(len(lengths))), 1), block([lengths[i] for i in chosen], chosen, 100)]
    arrangement = one_stream(blocks, by_sample)
    (call,) = arrangement.calls
    flat = call.ids.flatten()
    assert len(flat) == sum(lengths) + sum(lengths[i] for i in chosen)
    for number, (each, places) in enumerate(zip(blocks, arrangement.places, strict=True)):
        real = each.tags != Role.PAD
        assert torch.equal(flat[places][real], each.ids[real])
        assert (call.block[0][places][real] == number).all()
        assert torch.equal(call.stream.sample[places][real], each.sample[:, None].expand_as(real)[real])
        assert torch.equal(call.positions[0][places][real], each.positions[real])
    starts = [group.start for group in call.stream.groups]
    assert starts == [sum(g.tokens for g in call.stream.groups[:i]) for i in range(len(starts))]


def test_rows_come_by_length_or_by_sample():
    """Samples of 3, 1 and 2 tokens; the second has another row of 4."""
    blocks = [block([3, 1, 2], [0, 1, 2], 1), block([4], [1], 100)]
    by_length = one_stream(blocks, by_sample=False).calls[0].ids[0].tolist()
    assert by_length == [4, 7, 8, 1, 2, 3, 100, 101, 102, 103]
    by_sample = one_stream(blocks, by_sample=True).calls[0]
    assert by_sample.ids[0].tolist() == [7, 8, 1, 2, 3, 4, 100, 101, 102, 103]
    assert by_sample.stream.longest == 5


def test_what_a_mask_builder_is_told_is_what_it_is_told_of_a_row():
    """The rows have no gaps here."""
    batch = small_batch()
    samples = Samples.of_batch(batch)
    each = [samples[torch.tensor([i])] for i in range(len(samples))]
    whole = block([1], [0], 1)
    for sample in each:
        ids, tags = (values[:, : int(sample.valid.sum())] for values in (sample.ids, sample.tags))
        one = type(whole)(ids, tags, torch.arange(ids.shape[1])[None], torch.tensor([0]))
        told = one_stream([one, one], by_sample=True).calls[0].stream.tokens
        twice = torch.cat([tags, tags], dim=1)
        number = torch.arange(2).repeat_interleave(tags.shape[1])[None]
        expected = Tokens.of(twice, number)
        for name in ("block", "position", "tag", "span", "last", "pred"):
            assert torch.equal(getattr(told, name)[None], getattr(expected, name)), name


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(1, 200), min_size=1, max_size=6))
def test_tiles_begin_where_their_first_token_s_sample_does(lengths):
    stream = one_stream([block(lengths, list(range(len(lengths))), 1)], by_sample=True).calls[0].stream
    tokens = torch.arange(len(stream.sample))
    seen = stream.sees(None, 0, None)(tokens[:, None], tokens)
    for tile, first in enumerate(stream.first.tolist()):
        columns = seen[tile * TILE : (tile + 1) * TILE].any(dim=0).nonzero().flatten()
        assert int(columns.min()) // TILE == first
        assert int(columns.max()) // TILE <= tile
