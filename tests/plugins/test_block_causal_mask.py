"""The block-causal mask: its contract, and the golden 13 x 13 mask."""

import torch

from jepa_core.components import MaskTraits
from jepa_core.testing import MaskContract
from jepa_core.views.row_tokens import Tokens
from jepa_core.views.visibility import visible
from jepa_plugins.block_causal_mask import BlockCausalMask
from jepa_plugins.facts.roles import Role

H, R, M, T, P = Role.HEAD, Role.RELATION, Role.MASK, Role.TAIL, Role.PRED
PAD = Role.PAD

GOLDEN = """
1 0 0 0 0 0 0 0 0 0 0 0 0
1 1 0 0 0 0 0 0 0 0 0 0 0
1 1 1 0 0 0 0 0 0 0 0 0 0
1 1 1 1 0 0 0 0 0 0 0 0 0
1 1 1 1 1 0 0 0 0 0 0 0 0
1 1 1 1 1 1 0 0 0 0 0 0 0
1 1 1 1 1 1 1 0 0 0 0 0 0
0 0 0 0 0 0 0 1 0 0 0 0 0
0 0 0 0 0 0 0 1 1 0 0 0 0
0 0 0 0 0 0 0 1 1 1 0 0 0
0 0 0 0 0 0 0 1 1 1 1 0 0
0 0 0 0 0 0 0 1 1 1 1 1 0
0 0 0 0 0 0 0 1 1 1 1 1 1
"""


class TestBlockCausalContract(MaskContract):
    def make(self):
        return BlockCausalMask()


def seen(tags: list[int], block: list[int]) -> list[list[int]]:
    tokens = Tokens.of(torch.tensor([tags]), torch.tensor([block]))
    return visible(BlockCausalMask(), tokens, layer=0)[0].int().tolist()


def test_golden_mask():
    """Six tokens and one PRED: rows 0-6 see 0..row, rows 7-12 see 7..row."""
    fact = [H, H, R, M, T, T]
    expected = [[int(cell) for cell in row.split()] for row in GOLDEN.split("\n") if row]
    assert seen([*fact, P, *fact], [0] * 7 + [1] * 6) == expected


def test_padding_inside_the_row_is_seen_by_itself_alone():
    """[head, tail, padding | head, tail]: nobody sees column 2 but row 2."""
    assert seen([H, T, PAD, H, T], [0, 0, 0, 1, 1]) == [
        [1, 0, 0, 0, 0],
        [1, 1, 0, 0, 0],
        [1, 1, 1, 0, 0],
        [0, 0, 0, 1, 0],
        [0, 0, 0, 1, 1],
    ]


def test_declares_that_blocks_may_run_as_rows():
    assert MaskTraits.of(BlockCausalMask()) == MaskTraits(isolates_views=True, plain_block_causal=True, by_layer=False)
