"""The core's additions to a mask builder, against a triple loop, and additive masks."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jepa_core.views.row_tokens import Tokens
from jepa_core.views.visibility import additive, visible
from jepa_plugins.facts.roles import Role


def everything(query, key, layer):
    return torch.ones((), dtype=torch.bool)


def nothing(query, key, layer):
    return torch.zeros((), dtype=torch.bool)


def same_block(query, key, layer):
    return query.block == key.block


def mask_sees_heads(query, key, layer):
    """Depends on every field that it can: tags, spans, last, and the layer."""
    return ((query.tag == Role.MASK) & (key.tag == Role.HEAD) & key.last) | (query.span - key.span == layer)


def slowly(allow, tags, block, layer) -> list[list[list[bool]]]:
    """Row by row, query by query, key by key; `allow` says it for two tokens of a row."""
    seen = []
    for row, row_block in zip(tags, block, strict=True):
        t = len(row)
        seen.append([[False] * t for _ in range(t)])
        for q in range(t):
            for k in range(t):
                may = allow(row, row_block, q, k, layer) and k <= q and row[k] != Role.PAD
                seen[-1][q][k] = may or q == k
    return seen


def span_of(row, block, place) -> int:
    return sum((row[i], block[i]) != (row[i - 1], block[i - 1]) for i in range(1, place + 1))


def slow_mask_sees_heads(row, block, q, k, layer):
    spans = [span_of(row, block, i) for i in range(len(row))]
    last = k + 1 == len(row) or spans[k + 1] != spans[k]
    return (row[q] == Role.MASK and row[k] == Role.HEAD and last) or spans[q] - spans[k] == layer


SLOW = {
    everything: lambda row, block, q, k, layer: True,
    nothing: lambda row, block, q, k, layer: False,
    same_block: lambda row, block, q, k, layer: block[q] == block[k],
    mask_sees_heads: slow_mask_sees_heads,
}


@st.composite
def rows(draw):
    """Roles and block numbers of up to three rows, as wide as seven tokens, padding anywhere."""
    b, t = draw(st.integers(0, 3)), draw(st.integers(1, 7))

    def table(values):
        return draw(st.lists(st.lists(values, min_size=t, max_size=t), min_size=b, max_size=b))

    return table(st.integers(0, 5)), [sorted(row) for row in table(st.integers(0, 2))], t


def seen(builder, tags, block, t, layer) -> torch.Tensor:
    tensors = (torch.tensor(table, dtype=torch.int64).reshape(-1, t) for table in (tags, block))
    return visible(builder, Tokens.of(*tensors), layer).expand(len(tags), t, t)


@pytest.mark.parametrize("builder", SLOW, ids=lambda builder: builder.__name__)
@settings(max_examples=30, deadline=None)
@given(case=rows(), layer=st.integers(0, 2))
def test_equals_a_triple_loop(builder, case, layer):
    tags, block, _ = case
    assert seen(builder, *case, layer).tolist() == slowly(SLOW[builder], tags, block, layer)


@settings(max_examples=30, deadline=None)
@given(case=rows())
def test_no_row_is_ever_fully_masked_and_none_sees_ahead(case):
    for builder in SLOW:
        allowed = seen(builder, *case, layer=1)
        assert allowed.diagonal(dim1=1, dim2=2).all()
        assert not allowed.triu(diagonal=1).any()


def test_nobody_else_sees_padding():
    tags = [[Role.HEAD, Role.PAD, Role.TAIL, Role.PAD]]
    assert seen(everything, tags, [[0, 0, 0, 0]], 4, 0).int().tolist() == [
        [[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 1, 1]]
    ]


def test_the_same_under_compile():
    tokens = Tokens.of(torch.tensor([[1, 2, 3, 4, 0]]), torch.zeros(1, 5, dtype=torch.int64))
    compiled = torch.compile(visible, fullgraph=True, backend="eager")
    assert torch.equal(compiled(mask_sees_heads, tokens, 1), visible(mask_sees_heads, tokens, 1))


@pytest.mark.parametrize(
    ("dtype", "lowest"),
    [
        (torch.float32, -3.4028234663852886e38),
        (torch.bfloat16, -3.3895313892515355e38),
        (torch.float16, -65504.0),
    ],
    ids=str,
)
def test_additive_is_zero_or_the_lowest_number(dtype, lowest):
    mask = additive(torch.tensor([[True, False], [True, True]]), dtype)
    assert mask.dtype == dtype
    assert mask.tolist() == [[0.0, lowest], [0.0, 0.0]]
    assert mask.isfinite().all()
