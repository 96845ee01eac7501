"""What a reversal strategy promises: :class:`jepa_core.components.ReversalStrategy`."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from jepa_core.components import declared
from jepa_core.samples.samples import IGNORE, Facts, Role, SampleType
from jepa_core.testing import examples
from jepa_core.testing.contract import ComponentContract, clause, expect_shape
from jepa_core.views.pairs import NewBlock, Part, View, Views

Rows = list[list[int]] | list[list[tuple[int, ...]]]


def rows_of(view: View) -> Rows:
    """For each sample the view's tokens, padding left out: columns of a part; (id, role, is it the view's, label)
    of a new block."""
    if isinstance(view, Part):
        return [row.nonzero().flatten().tolist() for row in view.select]
    labels = torch.full_like(view.facts.ids, IGNORE) if view.labels is None else view.labels
    tokens = torch.stack([view.facts.ids, view.facts.roles, view.selected.long(), labels], dim=-1)
    return [[tuple(token) for token in row if token[1] != Role.PAD] for row in tokens.tolist()]


class ReversalContract(ComponentContract):
    """Subclass it and implement ``make``; see ``jepa_core.testing``."""

    kind = "reversal"
    #: ids of new tokens must be below it
    vocabulary_size = examples.SIZE

    def make_facts(self) -> Facts:
        """Facts of mixed lengths, relations 16001 to 16004. Override it for other vocabularies."""
        return examples.facts()

    def inputs(self) -> tuple:
        return (self.make_facts(),)

    def views(self, facts: Facts) -> list[View]:
        """Every view, sources and targets, that the strategy makes of these facts."""
        return [view for pair in self.call(self.make(), facts).pairs for view in pair]

    def new_blocks(self) -> list[Facts]:
        return [view.facts for view in self.views(self.make_facts()) if isinstance(view, NewBlock)]

    def check_declarations(self, component: Any) -> None:
        leaks_on, known = declared("reversal", component, "leaks_on"), [t.name.lower() for t in SampleType]
        fits = isinstance(leaks_on, (tuple, list)) and set(leaks_on) <= set(known)
        assert fits, f"leaks_on = {leaks_on!r}: must be a tuple of sample types, of {', '.join(known)}"

    @clause("a reversal returns Views: one or more pairs (source, target), each a Part or a NewBlock")
    def test_returns_pairs_of_views(self) -> None:
        views = self.call(self.make(), self.make_facts())
        assert isinstance(views, Views), f"returned {type(views).__name__}"
        assert len(views.pairs) > 0, "there is no pair"
        for pair in views.pairs:
            assert len(pair) == 2, f"a pair has {len(pair)} views"
            assert all(isinstance(view, (Part, NewBlock)) for view in pair), f"a pair is {pair!r}"

    @pytest.mark.parametrize("b", [0, 1, 5])
    @clause("a view has a row for each fact, 'b s'; for one fact, and for none, too")
    def test_has_a_row_for_each_fact(self, b: int) -> None:
        facts = self.make_facts()[torch.arange(b)]
        for view in self.views(facts):
            if isinstance(view, Part):
                expect_shape(view.select, "b s", b=b, s=facts.ids.shape[1])
                assert view.select.dtype == torch.bool, f"a part selects with {view.select.dtype}, not bool"
            else:
                expect_shape(view.facts.ids, "b s", b=b, s=view.facts.ids.shape[1])
                dtype = view.facts.ids.dtype
                assert dtype == torch.int64, f"new token ids are {dtype}, not int64"

    @clause("a view has at least one token in every row, and none of the padding")
    def test_views_have_tokens(self) -> None:
        facts = self.make_facts()
        for view in self.views(facts):
            chosen, valid = (view.select, facts.valid) if isinstance(view, Part) else (view.selected, view.facts.valid)
            empty = (~chosen.any(dim=1)).nonzero().flatten().tolist()
            assert not empty, f"a view has no token in row {empty}"
            assert not (chosen & ~valid).any(), "a view selects padding"

    @clause("new blocks are right-padded: no padding before a real token")
    def test_new_blocks_are_right_padded(self) -> None:
        for facts in self.new_blocks():
            gaps = (facts.valid[:, 1:] & ~facts.valid[:, :-1]).any(dim=1).nonzero().flatten().tolist()
            assert not gaps, f"a new block has padding before a real token in row {gaps}"

    @clause("new blocks hold tokens of the vocabulary, and leave predictor tokens to the core")
    def test_new_blocks_keep_to_the_vocabulary(self) -> None:
        for facts in self.new_blocks():
            outside = facts.valid & ((facts.ids < 0) | (facts.ids >= self.vocabulary_size))
            assert not outside.any(), f"token id {facts.ids[outside].tolist()} is not in the vocabulary"
            assert not (facts.roles == Role.PRED).any(), "a new block has tokens of role PRED"
            unknown = (facts.roles < Role.PAD) | (facts.roles > Role.PRED)
            assert not unknown.any(), f"{facts.roles[unknown].tolist()} is no role"

    @clause("labels of a new block, 'b s', are the ids of the tokens that they stand at, and never its first's")
    def test_labels_are_the_tokens(self) -> None:
        for view in self.views(self.make_facts()):
            if isinstance(view, Part) or view.labels is None:
                continue
            b, s = view.facts.ids.shape
            expect_shape(view.labels, "b s", b=b, s=s)
            wrong = (view.labels != IGNORE) & ((view.labels != view.facts.ids) | ~view.facts.valid)
            assert not wrong.any(), f"label {view.labels[wrong].tolist()} is not the token it stands at"
            assert (view.labels[:, :1] == IGNORE).all(), "nothing comes before the first token to predict it"

    @clause("the views of a fact do not depend on the other facts of the batch, nor on its padding")
    def test_facts_stand_alone(self) -> None:
        facts = self.make_facts()
        together = [rows_of(view) for view in self.views(facts)]
        wider = [rows_of(view) for view in self.views(examples.padded(facts, 2))]
        assert wider == together, "more columns of padding change the views"
        for i in range(len(facts)):
            alone = [rows_of(view)[0] for view in self.views(facts[torch.tensor([i])])]
            assert alone == [rows[i] for rows in together], f"fact {i} has other views when it is alone"
