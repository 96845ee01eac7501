"""The mask of one sample with its second views, branches among them."""

from __future__ import annotations

from jepa_core.samples.token_names import TokenNames
from jepa_core.verify.mask_picture import mask_of
from jepa_plugins.block_causal_mask import BlockCausalMask
from tests.core.objective.test_branches import AtTheQuestion
from tests.support import SAMPLES, VOCAB, small_batch, small_model, small_objective

NAMES = TokenNames(token_to_id={f"t{i}": i for i in range(VOCAB)}, pad_id=23)


class SecondLayerSeesItself(BlockCausalMask):
    plain_block_causal = False
    by_layer = True

    def __call__(self, query, key, layer):
        return super().__call__(query, key, layer) if layer == 0 else query.position == key.position


def rows(picture, layers="every layer"):
    return ["".join("x" if seen else "." for seen in row) for row in picture.allowed[layers].tolist()]


def test_a_branch_sees_its_prefix_and_itself():
    """[1 2 17 16 3 4 | PRED PRED, from the fourth token on | 3 4]."""
    objective = small_objective(small_model(), 2, reversal=AtTheQuestion())
    picture = mask_of(objective, NAMES, small_batch(SAMPLES[:1]))
    assert picture.names == ["t1", "t2", "t17", "t16", "t3", "t4", "t24", "t24", "t3", "t4"]
    assert picture.block.tolist() == [0] * 6 + [1] * 2 + [2] * 2
    assert rows(picture) == [
        "x.........",
        "xx........",
        "xxx.......",
        "xxxx......",
        "xxxxx.....",
        "xxxxxx....",
        "xxxx..x...",
        "xxxx..xx..",
        "........x.",
        "........xx",
    ]


def test_layers_that_differ_have_a_grid_each():
    objective = small_objective(small_model(), 0, mask=SecondLayerSeesItself(), lambda_jepa=0.0)
    picture = mask_of(objective, NAMES, small_batch([SAMPLES[4]]))
    assert list(picture.allowed) == ["layer 0", "layer 1"]
    assert rows(picture, "layer 0") == ["x...", "xx..", "xxx.", "xxxx"]
    assert rows(picture, "layer 1") == ["x...", ".x..", "..x.", "...x"]
