"""Mask builders that keep the contract, and builders that break one clause each."""

from __future__ import annotations

import itertools

import torch
from torch import nn

from jepa_core.testing import MaskContract
from jepa_plugins.facts.roles import Role


def same_block(query, key, layer):
    return query.block == key.block


def declaring(function, **declarations):
    """A copy of the builder with these attributes."""

    def builder(query, key, layer):
        return function(query, key, layer)

    vars(builder).update(declarations)
    return builder


def span_first(query, key, layer):
    """Shows one span at a time in the first layer, then the last tokens of spans."""
    first = torch.tensor(layer == 0)
    return same_block(query, key, layer) & ((first & (query.span == key.span)) | (~first & key.last))


def pred_sees_all(query, key, layer):
    return query.pred | key.pred | same_block(query, key, layer)


class TestPlain(MaskContract):
    def make(self):
        return declaring(same_block, plain_block_causal=True)


class TestByLayer(MaskContract):
    def make(self):
        return declaring(span_first, by_layer=True)


class TestCrossing(MaskContract):
    def make(self):
        return declaring(pred_sees_all, isolates_views=False)


class TestOneColumn(MaskContract):
    """A result that broadcasts: nobody sees the mask token."""

    def make(self):
        return declaring(lambda query, key, layer: key.tag != Role.MASK, isolates_views=False)


class TestLeaks(MaskContract):
    fails = ("test_isolates_views_as_declared",)

    def make(self):
        return declaring(pred_sees_all)


class TestLeaksInTheLastLayer(MaskContract):
    fails = ("test_isolates_views_as_declared",)

    def make(self):
        def builder(query, key, layer):
            return pred_sees_all(query, key, layer) if layer == 2 else same_block(query, key, layer)

        return declaring(builder, by_layer=True)


class TestNotPlain(MaskContract):
    """Predictor tokens see nothing of their block, and the builder says that it is plain."""

    fails = ("test_plain_block_causal_as_declared",)

    def make(self):
        def builder(query, key, layer):
            return same_block(query, key, layer) & ~query.pred

        return declaring(builder, plain_block_causal=True)


class TestNotPlainInTheLastLayer(MaskContract):
    fails = ("test_plain_block_causal_as_declared",)

    def make(self):
        def builder(query, key, layer):
            return same_block(query, key, layer) & ~(query.pred & torch.tensor(layer == 2))

        return declaring(builder, plain_block_causal=True, by_layer=True)


class TestUndeclaredLayers(MaskContract):
    fails = ("test_by_layer_as_declared",)

    def make(self):
        return declaring(span_first)


BOOL = tuple(f"test_returns_bool_that_broadcasts[{b}]" for b in (0, 1, 5))


class TestAdditive(MaskContract):
    fails = (
        *BOOL,
        "test_rows_stand_alone",
        "test_padding_does_not_matter",
        "test_isolates_views_as_declared",
        "test_by_layer_as_declared",
    )

    def make(self):
        return declaring(lambda query, key, layer: (query.block != key.block) * -1e9)


class TestHeadAxis(MaskContract):
    fails = (*BOOL, "test_rows_stand_alone")

    def make(self):
        return declaring(lambda query, key, layer: same_block(query, key, layer)[:, None])


class TestFirstRowForAll(MaskContract):
    """Takes the last tokens of spans in the first row for those of all rows."""

    fails = ("test_rows_stand_alone",)

    def make(self):
        return declaring(lambda query, key, layer: same_block(query, key, layer) & key.last[:1])


class TestCountsFromTheEnd(MaskContract):
    """A window counted from the end of the padded row."""

    fails = ("test_padding_does_not_matter",)

    def make(self):
        def builder(query, key, layer):
            return same_block(query, key, layer) & (key.position > key.position.shape[-1] - 9)

        return declaring(builder)


class TestChangesItsInput(MaskContract):
    fails = ("test_leaves_its_inputs_alone",)

    def make(self):
        def builder(query, key, layer):
            key.span.clamp_(max=1)
            return same_block(query, key, layer)

        return declaring(builder)


class TestRandomNumbers(MaskContract):
    fails = (
        "test_same_inputs_give_the_same_result",
        "test_draws_no_random_numbers",
        "test_rows_stand_alone",
        "test_padding_does_not_matter",
        "test_by_layer_as_declared",
        "test_compiles_in_one_graph",
    )

    def make(self):
        def builder(query, key, layer):
            return same_block(query, key, layer) & (torch.rand(query.block.shape) > 0.5)

        return declaring(builder)


class TestReadsANumber(MaskContract):
    fails = ("test_compiles_in_one_graph",)

    def make(self):
        def builder(query, key, layer):
            blocks = int(query.block.max()) + 1 if query.block.numel() else 0
            seen = torch.zeros_like(query.block == key.block)
            for block in range(blocks):
                seen = seen | ((query.block == block) & (key.block == block))
            return seen

        return declaring(builder)


class TestDeclaresANumber(MaskContract):
    fails = ("test_declares_valid_values",)

    def make(self):
        return declaring(same_block, isolates_views=1)


class Window(nn.Module):
    """The width is state, and is not saved."""

    def __init__(self, width):
        super().__init__()
        self.width = width

    def forward(self, query, key, layer):
        return same_block(query, key, layer) & (query.position - key.position < self.width)


class TestUnsavedState(MaskContract):
    fails = ("test_state_dict_round_trip",)
    widths = itertools.cycle([1, 2])

    def make(self):
        return Window(next(self.widths))
