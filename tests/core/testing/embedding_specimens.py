"""Extractors that keep the contract, and extractors that break one clause each."""

from __future__ import annotations

import torch
from torch import nn

from jepa_core.samples.samples import Role
from jepa_core.testing import EmbeddingContract


def mean(hidden, valid, roles):
    weight = valid[..., None].to(hidden.dtype)
    return (hidden * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)


class TestMeanOfValid(EmbeddingContract):
    def make(self):
        return mean


class TestMeanOfEntities(EmbeddingContract):
    """Reads the roles."""

    def make(self):
        return lambda hidden, valid, roles: mean(hidden, valid & (roles != Role.MASK), roles)


class Projected(nn.Module):
    layer = 1

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, 8)

    def forward(self, hidden, valid, roles):
        return self.head(mean(hidden, valid, roles))


class TestModule(EmbeddingContract):
    def make(self):
        return Projected()


class TwoLayers(nn.Module):
    layer = (1, 0)

    def __init__(self):
        super().__init__()
        self.head = nn.Bilinear(8, 8, 8)

    def forward(self, hidden, valid, roles):
        return self.head(*(mean(states, valid, roles) for states in hidden))


class TestTwoLayers(EmbeddingContract):
    def make(self):
        torch.manual_seed(0)
        return TwoLayers()


class TestLastColumn(EmbeddingContract):
    fails = ("test_reads_valid_tokens_only",)

    def make(self):
        return lambda hidden, valid, roles: hidden[:, -1]


class TestMeanOfAll(EmbeddingContract):
    fails = ("test_reads_valid_tokens_only",)

    def make(self):
        return lambda hidden, valid, roles: hidden.mean(dim=1)


class TestDividesByWidth(EmbeddingContract):
    """Hidden states of padding are left out, and yet the number of columns counts."""

    fails = ("test_reads_valid_tokens_only",)

    def make(self):
        return lambda hidden, valid, roles: (hidden * valid[..., None].to(hidden.dtype)).mean(dim=1)


class TestFirstTokens(EmbeddingContract):
    fails = (
        "test_returns_one_vector_a_view[0]",
        "test_returns_one_vector_a_view[1]",
        "test_returns_one_vector_a_view[5]",
    )

    def make(self):
        return lambda hidden, valid, roles: hidden[:, :1]


class TestNotOfNone(EmbeddingContract):
    fails = ("test_returns_one_vector_a_view[0]",)

    def make(self):
        return lambda hidden, valid, roles: torch.stack([h[v].mean(dim=0) for h, v in zip(hidden, valid, strict=True)])


class TestCentredOverTheBatch(EmbeddingContract):
    fails = ("test_views_stand_alone",)

    def make(self):
        def centred(hidden, valid, roles):
            embedding = mean(hidden, valid, roles)
            return embedding - embedding.mean(dim=0).detach()

        return centred


class TestUnitLength(EmbeddingContract):
    """0 / 0 where the hidden states are zero."""

    fails = ("test_is_finite[float32]", "test_is_finite[bfloat16]")

    def make(self):
        def unit(hidden, valid, roles):
            embedding = mean(hidden, valid, roles)
            return embedding / embedding.norm(dim=1, keepdim=True)

        return unit


class TestDetached(EmbeddingContract):
    fails = ("test_gradient_reaches_every_view", "test_is_finite[float32]", "test_is_finite[bfloat16]")

    def make(self):
        return lambda hidden, valid, roles: mean(hidden, valid, roles).detach()


class TestGradientOfTheFirstViewOnly(EmbeddingContract):
    fails = ("test_gradient_reaches_every_view",)

    def make(self):
        def first(hidden, valid, roles):
            embedding = mean(hidden, valid, roles)
            return torch.cat([embedding[:1], embedding[1:].detach()])

        return first


class TestZeroesItsInput(EmbeddingContract):
    fails = ("test_leaves_its_inputs_alone",)

    def make(self):
        def zeroes(hidden, valid, roles):
            hidden.data.masked_fill_(~valid[..., None], 0.0)
            return mean(hidden, valid, roles)

        return zeroes


class TestDropout(EmbeddingContract):
    fails = (
        "test_same_inputs_give_the_same_result",
        "test_draws_no_random_numbers",
        "test_reads_valid_tokens_only",
        "test_views_stand_alone",
        "test_compiles_in_one_graph",
    )

    def make(self):
        return lambda hidden, valid, roles: nn.functional.dropout(mean(hidden, valid, roles), 0.5)


class TestLayerByName(EmbeddingContract):
    fails = ("test_declares_valid_values",)

    def make(self):
        def extract(hidden, valid, roles):
            return mean(hidden, valid, roles)

        extract.layer = "last"
        return extract


class TestOneLayerByName(EmbeddingContract):
    fails = ("test_declares_valid_values",)

    def make(self):
        def extract(hidden, valid, roles):
            return mean(hidden[0], valid, roles)

        extract.layer = (0, "last")
        return extract


class TestReadsANumber(EmbeddingContract):
    fails = ("test_compiles_in_one_graph",)

    def make(self):
        def extract(hidden, valid, roles):
            return hidden.mean(dim=1) if valid.all().item() else mean(hidden, valid, roles)

        return extract
