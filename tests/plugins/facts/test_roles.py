"""The roles of tokens in a fact, and the groups of facts."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from jepa_core.samples.samples import PAD, PRED
from jepa_plugins.facts.roles import GROUPS, TAGS, Role, SampleType, from_spans

names = st.lists(st.integers(0, 99), min_size=1, max_size=4)


def test_names_stand_at_their_numbers():
    """A dataset's tags are numbered from 1, its groups from 0."""
    assert [getattr(Role, name.upper()) for name in TAGS] == list(range(1, len(TAGS) + 1))
    assert [SampleType[name.upper()] for name in GROUPS] == list(range(len(GROUPS)))
    assert (Role.PAD, Role.PRED) == (PAD, PRED)


def test_spans_of_mixed_lengths_by_hand():
    facts = from_spans([[[7, 8], [16], [15], [3]], [[9], [17], [15], [4]]], pad_id=20)
    h, r, m, t, p = Role.HEAD, Role.RELATION, Role.MASK, Role.TAIL, Role.PAD
    assert facts.ids.tolist() == [[7, 8, 16, 15, 3], [9, 17, 15, 4, 20]]
    assert facts.tags.tolist() == [[h, h, r, m, t], [h, r, m, t, p]]
    assert facts.ids.dtype == facts.tags.dtype == torch.int64


def test_no_facts():
    assert from_spans([], pad_id=0).ids.shape == (0, 0)


@given(st.lists(st.tuples(names, names, st.just([500]), names), min_size=1, max_size=5))
def test_every_span_is_found_again_by_its_role(spans):
    facts = from_spans(spans, pad_id=999)
    for row, fact in enumerate(spans):
        for role, span in zip((Role.HEAD, Role.RELATION, Role.MASK, Role.TAIL), fact, strict=True):
            assert facts.ids[row][facts.tags[row] == role].tolist() == list(span)
