"""Extractors that keep the contract, and extractors that break one clause each."""

from __future__ import annotations

import torch
from torch import nn

from jepa_core.testing import EmbeddingContract
from jepa_plugins.facts.roles import Role


def mean(hidden, valid, tags):
    weight = valid[..., None].to(hidden.dtype)
    return (hidden * weight).sum(dim=1) / weight.sum(dim=1).clamp(min=1)


class TestMeanOfValid(EmbeddingContract):
    def make(self):
        return mean


class TestMeanOfEntities(EmbeddingContract):
    """Reads the tags."""

    def make(self):
        return lambda hidden, valid, tags: mean(hidden, valid & (tags != Role.MASK), tags)


class Projected(nn.Module):
    layer = 1

    def __init__(self):
        super().__init__()
        self.head = nn.Linear(8, 8)

    def forward(self, hidden, valid, tags):
        return self.head(mean(hidden, valid, tags))


class TestModule(EmbeddingContract):
    def make(self):
        return Projected()


class First:
    """Reads the first token, and says so, or something else."""

    def __init__(self, reads):
        self.reads = reads

    def __call__(self, hidden, valid, tags):
        return hidden[:, 0]


def at(column):
    return lambda valid, tags: (torch.arange(valid.shape[1]) == column).expand_as(valid)


class TestReadsTheFirst(EmbeddingContract):
    def make(self):
        return First(at(0))


class TestSaysThatItReadsTheSecond(EmbeddingContract):
    fails = ("test_reads_as_declared",)

    def make(self):
        return First(at(1))


class TestSaysItInNumbers(EmbeddingContract):
    fails = ("test_reads_as_declared",)

    def make(self):
        return First(lambda valid, tags: at(0)(valid, tags).long())


class TestLastColumn(EmbeddingContract):
    fails = ("test_reads_valid_tokens_only",)

    def make(self):
        return lambda hidden, valid, tags: hidden[:, -1]


class TestMeanOfAll(EmbeddingContract):
    fails = ("test_reads_valid_tokens_only",)

    def make(self):
        return lambda hidden, valid, tags: hidden.mean(dim=1)


class TestDividesByWidth(EmbeddingContract):
    """Hidden states of padding are left out, and yet the number of columns counts."""

    fails = ("test_reads_valid_tokens_only",)

    def make(self):
        return lambda hidden, valid, tags: (hidden * valid[..., None].to(hidden.dtype)).mean(dim=1)


class TestFirstTokens(EmbeddingContract):
    fails = (
        "test_returns_one_vector_a_view[0]",
        "test_returns_one_vector_a_view[1]",
        "test_returns_one_vector_a_view[5]",
    )

    def make(self):
        return lambda hidden, valid, tags: hidden[:, :1]


class TestNotOfNone(EmbeddingContract):
    fails = ("test_returns_one_vector_a_view[0]",)

    def make(self):
        def one_by_one(hidden, valid, tags):
            means = [mean(hidden[i : i + 1], valid[i : i + 1], tags[i : i + 1]) for i in range(len(hidden))]
            return torch.cat(means)

        return one_by_one


class TestCentredOverTheBatch(EmbeddingContract):
    fails = ("test_views_stand_alone",)

    def make(self):
        def centred(hidden, valid, tags):
            embedding = mean(hidden, valid, tags)
            return embedding - embedding.mean(dim=0).detach()

        return centred


class TestUnitLength(EmbeddingContract):
    """0 / 0 where the hidden states are zero."""

    fails = ("test_is_finite[float32]", "test_is_finite[bfloat16]")

    def make(self):
        def unit(hidden, valid, tags):
            embedding = mean(hidden, valid, tags)
            return embedding / embedding.norm(dim=1, keepdim=True)

        return unit


class TestDetached(EmbeddingContract):
    fails = ("test_gradient_reaches_every_view", "test_is_finite[float32]", "test_is_finite[bfloat16]")

    def make(self):
        return lambda hidden, valid, tags: mean(hidden, valid, tags).detach()


class TestGradientOfTheFirstViewOnly(EmbeddingContract):
    fails = ("test_gradient_reaches_every_view",)

    def make(self):
        def first(hidden, valid, tags):
            embedding = mean(hidden, valid, tags)
            return torch.cat([embedding[:1], embedding[1:].detach()])

        return first


class TestZeroesItsInput(EmbeddingContract):
    fails = ("test_leaves_its_inputs_alone",)

    def make(self):
        def zeroes(hidden, valid, tags):
            hidden.data.masked_fill_(~valid[..., None], 0.0)
            return mean(hidden, valid, tags)

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
        return lambda hidden, valid, tags: nn.functional.dropout(mean(hidden, valid, tags), 0.5)


class TestLayerByName(EmbeddingContract):
    fails = ("test_declares_valid_values",)

    def make(self):
        def extract(hidden, valid, tags):
            return mean(hidden, valid, tags)

        extract.layer = "last"
        return extract


class TestSeveralLayers(EmbeddingContract):
    fails = ("test_declares_valid_values",)

    def make(self):
        def extract(hidden, valid, tags):
            return mean(hidden, valid, tags)

        extract.layer = (0, -1)
        return extract


class TestReadsANumber(EmbeddingContract):
    fails = ("test_compiles_in_one_graph",)

    def make(self):
        def extract(hidden, valid, tags):
            return hidden.mean(dim=1) if valid.all().item() else mean(hidden, valid, tags)

        return extract
