"""The promises of a reversal strategy: :class:`jepa_core.components.ReversalStrategy`."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from jepa_core.components import ReversalTraits
from jepa_core.objective.planner import takes_draws
from jepa_core.samples.draws import Draws
from jepa_core.samples.samples import IGNORE, PAD, PRED, Samples
from jepa_core.testing import examples
from jepa_core.testing.contract import ComponentContract, clause, expect_shape
from jepa_core.views.pairs import Branch, NewBlock, Part, View, Views

Rows = list[list[int]] | list[list[tuple[int, ...]]]


def tokens_by_row(view: View) -> Rows:
    """Lists each sample's tokens in the view without padding: the columns of a part; (id, tag, selected, label)
    of a new block."""
    if isinstance(view, Part):
        return [row.nonzero().flatten().tolist() for row in view.select]
    labels = torch.full_like(view.samples.ids, IGNORE) if view.labels is None else view.labels
    tokens = torch.stack([view.samples.ids, view.samples.tags, view.selected.long(), labels], dim=-1)
    return [[tuple(token) for token in row if token[1] != PAD] for row in tokens.tolist()]


class ReversalContract(ComponentContract):
    """Subclass it and implement ``make``; see ``jepa_core.testing``."""

    kind = "reversal"
    #: ids of new tokens must be below it
    vocabulary_size = examples.SIZE
    #: how many tags the dataset has; those of new tokens are among them
    number_of_tags = len(examples.TAGS)
    #: names of the dataset's groups, to have `leaks_on` checked against them
    groups: tuple[str, ...] = ()

    def make_samples(self) -> Samples:
        """Samples of mixed lengths, kinds 16001 to 16004. Override it for other vocabularies."""
        return examples.samples()

    def inputs(self) -> tuple:
        return self.with_draws(self.make_samples())

    def views(self, samples: Samples, first: int = 0) -> list[View]:
        """Makes every view, sources and targets, of these samples."""
        return [view for pair in self.call(self.make(), *self.with_draws(samples, first)).pairs for view in pair]

    def with_draws(self, samples: Samples, first: int = 0) -> tuple:
        """The arguments of a call: the samples, and random numbers where the strategy asks for them."""
        index = torch.arange(first, first + len(samples))
        return (samples, Draws(1, 0, index)) if takes_draws(self.make()) else (samples,)

    def new_blocks(self) -> list[Samples]:
        return [view.samples for view in self.views(self.make_samples()) if isinstance(view, NewBlock)]

    def check_declarations(self, component: Any) -> None:
        leaks_on = ReversalTraits.of(component).leaks_on
        unknown = [name for name in leaks_on if self.groups and name not in self.groups]
        assert not unknown, f"leaks_on = {leaks_on!r}: {unknown} is none of {', '.join(self.groups)}"

    @clause("a reversal returns Views: one or more pairs (source, target), each a Part or a NewBlock")
    def test_returns_pairs_of_views(self) -> None:
        views = self.call(self.make(), *self.inputs())
        assert isinstance(views, Views), f"returned {type(views).__name__}"
        assert len(views.pairs) > 0, "there is no pair"
        for pair in views.pairs:
            assert len(pair) == 2, f"a pair has {len(pair)} views"
            assert all(isinstance(view, (Part, NewBlock)) for view in pair), f"a pair is {pair!r}"

    @pytest.mark.parametrize("b", [0, 1, 5])
    @clause("a view has a row for each sample, 'b s'; for one sample, and for none, too")
    def test_has_a_row_for_each_sample(self, b: int) -> None:
        samples = self.make_samples()[torch.arange(b)]
        for view in self.views(samples):
            if isinstance(view, Part):
                expect_shape(view.select, "b s", b=b, s=samples.ids.shape[1])
                assert view.select.dtype == torch.bool, f"a part selects with {view.select.dtype}, not bool"
            else:
                expect_shape(view.samples.ids, "b s", b=b, s=view.samples.ids.shape[1])
                dtypes = {view.samples.ids.dtype, view.samples.tags.dtype}
                assert dtypes == {torch.int64}, f"ids and tags of new tokens are {dtypes}, not int64"
                expect_shape(view.selected, "b s", b=b, s=view.samples.ids.shape[1])
                assert view.selected.dtype == torch.bool, f"a new block selects with {view.selected.dtype}, not bool"

    @clause("a view has at least one token in every row, and none of the padding")
    def test_views_have_tokens(self) -> None:
        samples = self.make_samples()
        for view in self.views(samples):
            chosen, valid = (
                (view.select, samples.valid) if isinstance(view, Part) else (view.selected, view.samples.valid)
            )
            empty = (~chosen.any(dim=1)).nonzero().flatten().tolist()
            assert not empty, f"a view has no token in row {empty}"
            assert not (chosen & ~valid).any(), "a view selects padding"

    @clause("new blocks are right-padded: no padding before a real token")
    def test_new_blocks_are_right_padded(self) -> None:
        for samples in self.new_blocks():
            gaps = (samples.valid[:, 1:] & ~samples.valid[:, :-1]).any(dim=1).nonzero().flatten().tolist()
            assert not gaps, f"a new block has padding before a real token in row {gaps}"

    @clause("new blocks hold tokens of the vocabulary, and leave predictor tokens to the core")
    def test_new_blocks_keep_to_the_vocabulary(self) -> None:
        for samples in self.new_blocks():
            outside = samples.valid & ((samples.ids < 0) | (samples.ids >= self.vocabulary_size))
            assert not outside.any(), f"token id {samples.ids[outside].tolist()} is not in the vocabulary"
            assert not (samples.tags == PRED).any(), "a new block has tokens of tag PRED"
            unknown = (samples.tags < PAD) | (samples.tags > self.number_of_tags)
            assert not unknown.any(), f"{samples.tags[unknown].tolist()} is no tag"

    @clause("a branch goes on after tokens that its sample has; 'b' int64")
    def test_branches_go_on_within_their_sample(self) -> None:
        samples = self.make_samples()
        for view in self.views(samples):
            if isinstance(view, Branch):
                assert isinstance(view.after, Tensor), "a branch has no after: the number of tokens before it"
                expect_shape(view.after, "b", b=len(samples))
                assert view.after.dtype == torch.int64, f"after is {view.after.dtype}, not int64"
                assert ((view.after >= 0) & (view.after <= samples.valid.sum(dim=1))).all(), f"after = {view.after}"

    @clause("weights are None, or for each pair None or one floating-point number a sample, 'b', not below 0")
    def test_weights(self) -> None:
        samples = self.make_samples()
        views = self.call(self.make(), *self.with_draws(samples))
        if views.weights is None:
            return
        assert len(views.weights) == len(views.pairs), f"{len(views.weights)} weights for {len(views.pairs)} pairs"
        for weight in views.weights:
            if weight is not None:
                expect_shape(weight, "b", b=len(samples))
                assert weight.is_floating_point(), f"weights are {weight.dtype}"
                assert ((weight >= 0) & weight.isfinite()).all(), f"weights {weight.tolist()}"

    @clause("labels of a new block, 'b s', are the ids of the tokens that they stand at, and never its first's")
    def test_labels_are_the_tokens(self) -> None:
        for view in self.views(self.make_samples()):
            if isinstance(view, Part) or view.labels is None:
                continue
            b, s = view.samples.ids.shape
            expect_shape(view.labels, "b s", b=b, s=s)
            wrong = (view.labels != IGNORE) & ((view.labels != view.samples.ids) | ~view.samples.valid)
            assert not wrong.any(), f"label {view.labels[wrong].tolist()} is not the token it stands at"
            assert (view.labels[:, :1] == IGNORE).all(), "nothing comes before the first token to predict it"

    @clause("the views of a sample do not depend on the other samples of the batch, nor on its padding")
    def test_samples_stand_alone(self) -> None:
        samples = self.make_samples()
        together = [tokens_by_row(view) for view in self.views(samples)]
        wider = [tokens_by_row(view) for view in self.views(examples.padded(samples, 2))]
        assert wider == together, "more columns of padding change the views"
        for i in range(len(samples)):
            alone = [tokens_by_row(view)[0] for view in self.views(samples[torch.tensor([i])], first=i)]
            assert alone == [rows[i] for rows in together], f"sample {i} has other views when it is alone"
