"""The mask as text and as files."""

from __future__ import annotations

import torch

from jepa_core.verify.grid import example_mask, grids, write_pictures
from tests.core.verify.breaking import Unusual, tiny


class Leaky(Unusual):
    """Layer 0 sees everything, layer 1 its own block."""

    by_layer = True

    def __call__(self, query, key, layer):
        return (query.block == key.block) | torch.tensor(layer == 0)


def test_the_golden_mask_with_names():
    context = tiny()
    title, grid = (text.plain.splitlines() for text in grids(example_mask(context)))
    assert title == ["every layer: 25 of 81 cells open"]
    numbers, *rows = grid
    assert numbers.split() == list("012345678")
    ids = context.few["input_ids"][0].tolist()
    assert [row.split()[1] for row in rows[:5]] == [
        context.run.vocabulary.name(i) for i in [*ids, context.run.vocabulary.pred_ids[0]]
    ]
    cells = ["".join(row.split()[3:]) for row in rows]
    assert cells[0] == "■········"
    assert cells[4] == "■■■■■····"
    assert cells[5] == "·····■···"
    assert cells[8] == "·····■■■■"


def test_one_grid_a_layer_and_other_blocks_are_told_apart():
    picture = example_mask(tiny(mask=Leaky()))
    titles = [text.plain for text in grids(picture)][::2]
    assert titles == ["layer 0: 45 of 81 cells open", "layer 1: 25 of 81 cells open"]
    last = next(text for text in grids(picture) if "■" in text.plain).plain.splitlines()[-1]
    assert "".join(last.split()[3:]) == "□□□□□■■■■"


def test_without_a_pair_the_fact_alone():
    title, *_ = grids(example_mask(tiny("objective.lambda_jepa=0", "objective.k=0")))
    assert title.plain == "every layer: 10 of 16 cells open"


def test_a_picture_for_each(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    assert [path.name for path in write_pictures(example_mask(tiny()), one)] == ["mask.png"]
    assert [path.name for path in write_pictures(example_mask(tiny(mask=Leaky())), two)] == ["mask_0.png", "mask_1.png"]
    assert (one / "mask.png").read_bytes().startswith(b"\x89PNG")
