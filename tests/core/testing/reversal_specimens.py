"""Reversal strategies that keep the contract, and strategies that break one clause each."""

from __future__ import annotations

from dataclasses import replace

import torch

from jepa_core.samples.samples import Samples
from jepa_core.testing import ReversalContract
from jepa_core.views.pairs import Branch, NewBlock, Part, Views
from jepa_plugins.facts.reverse import reverse_facts
from jepa_plugins.facts.roles import Role, from_spans


def with_target(make_target):
    """A strategy: the fact as source, and this as target."""
    return lambda facts: Views(((Part(facts.valid), make_target(facts)),))


def new(make_samples):
    return with_target(lambda facts: NewBlock(make_samples(facts)))


def flipped(facts):
    return Samples(facts.ids.flip(1), facts.tags.flip(1))


ROWS = tuple(f"test_has_a_row_for_each_sample[{b}]" for b in (0, 1, 5))


class TestPartsOfOneFact(ReversalContract):
    """Head as source, tail as target: no new token."""

    def make(self):
        return lambda facts: Views(((Part(facts.tags == Role.HEAD), Part(facts.tags == Role.TAIL)),))


class TestNarrowerBlock(ReversalContract):
    """The target is the tail alone, in a block of its own width; both directions."""

    def make(self):
        def entity(facts, role):
            order = (facts.tags != role).int().argsort(dim=1, stable=True)[:, :3]
            tags = torch.where(facts.tags == role, Role.HEAD, Role.PAD)
            return NewBlock(Samples(facts.ids.gather(1, order), tags.gather(1, order)))

        def strategy(facts):
            whole = Part(facts.valid)
            return Views(((whole, entity(facts, Role.TAIL)), (whole, entity(facts, Role.HEAD))))

        return strategy


class TestOtherVocabulary(ReversalContract):
    vocabulary_size = 30

    def make_samples(self):
        return from_spans([[[1], [20], [28], [2, 3]], [[4], [21], [28], [5]]] * 3, pad_id=29)

    def make(self):
        return new(lambda facts: reverse_facts(facts, facts.ids))


class TestLeftPadded(ReversalContract):
    fails = ("test_new_blocks_are_right_padded",)

    def make(self):
        return new(flipped)


class TestInventsTokens(ReversalContract):
    fails = ("test_new_blocks_keep_to_the_vocabulary",)

    def make(self):
        return new(lambda facts: reverse_facts(facts, facts.ids + 14))


class TestBringsPredictors(ReversalContract):
    fails = ("test_new_blocks_keep_to_the_vocabulary",)

    def make(self):
        return new(lambda facts: replace(facts, tags=facts.tags.where(facts.tags != Role.MASK, Role.PRED)))


class TestInventsRoles(ReversalContract):
    fails = ("test_new_blocks_keep_to_the_vocabulary",)

    def make(self):
        return new(lambda facts: replace(facts, tags=facts.tags.where(facts.tags != Role.MASK, 9)))


class TestSelectsPadding(ReversalContract):
    fails = ("test_views_have_tokens", "test_samples_stand_alone")

    def make(self):
        return with_target(lambda facts: Part(torch.ones_like(facts.valid)))


class TestEmptyPart(ReversalContract):
    """The second token of the tail, where there is one."""

    fails = ("test_views_have_tokens",)

    def make(self):
        def second(facts):
            tail = facts.tags == Role.TAIL
            return Part(tail & (tail.cumsum(dim=1) == 2))

        return with_target(second)


def with_labels(make_labels):
    """The fact again as target, with these labels."""
    return with_target(lambda facts: NewBlock(facts, labels=make_labels(facts)))


class TestLabels(ReversalContract):
    def make(self):
        return with_labels(lambda facts: facts.ids.where(facts.tags == Role.TAIL, -100))


class TestShiftedLabels(ReversalContract):
    """Each label at the token that predicts it."""

    fails = ("test_labels_are_the_tokens",)

    def make(self):
        return with_labels(lambda facts: facts.ids.where(facts.tags == Role.TAIL, -100).roll(-1, dims=1))


class TestLabelsTheFirst(ReversalContract):
    fails = ("test_labels_are_the_tokens",)

    def make(self):
        return with_labels(lambda facts: facts.ids.where(facts.valid, -100))


class TestSelectsOfABlock(ReversalContract):
    def make(self):
        return with_target(lambda facts: NewBlock(facts, select=facts.tags == Role.TAIL))


class TestSelectsNothingOfABlock(ReversalContract):
    fails = ("test_views_have_tokens",)

    def make(self):
        return with_target(lambda facts: NewBlock(facts, select=facts.tags == Role.PRED))


class TestPartOfTheBatch(ReversalContract):
    """Samples whose relation has a known inverse only."""

    fails = ("test_has_a_row_for_each_sample[5]", "test_samples_stand_alone")

    def make(self):
        return new(lambda facts: facts[(facts.ids != 16003).all(dim=1)] if len(facts) > 1 else facts)


class TestNarrowSelection(ReversalContract):
    fails = (*ROWS, "test_views_have_tokens")

    def make(self):
        return with_target(lambda facts: Part((facts.tags == Role.HEAD)[:, :4]))


class TestSelectsByNumber(ReversalContract):
    fails = ROWS

    def make(self):
        return with_target(lambda facts: Part((facts.tags == Role.HEAD).int()))


class TestInt32(ReversalContract):
    fails = ROWS

    def make(self):
        return new(lambda facts: replace(facts, ids=facts.ids.int()))


class TestNotOfNone(ReversalContract):
    fails = ("test_has_a_row_for_each_sample[0]",)

    def make(self):
        return new(lambda facts: Samples(facts.ids.clamp(max=int(facts.ids.max())), facts.tags))


class TestNextFact(ReversalContract):
    """The target is another fact of the batch."""

    fails = ("test_samples_stand_alone",)

    def make(self):
        return new(lambda facts: Samples(facts.ids.roll(1, 0), facts.tags.roll(1, 0)))


class TestReadsTheWidth(ReversalContract):
    fails = ("test_samples_stand_alone",)

    def make(self):
        return new(lambda facts: Samples(facts.ids + (facts.ids.shape[1] > 8), facts.tags))


class TestTupleOfTensors(ReversalContract):
    fails = ("test_returns_pairs_of_views",)
    fails_wherever_called = True

    def make(self):
        return lambda facts: (facts.ids, facts.ids)


class TestNoPair(ReversalContract):
    fails = ("test_returns_pairs_of_views",)

    def make(self):
        return lambda facts: Views(())


class TestFactAsView(ReversalContract):
    fails = ("test_returns_pairs_of_views",)
    fails_wherever_called = True

    def make(self):
        return with_target(lambda facts: facts)


class TestChangesItsInput(ReversalContract):
    fails = ("test_leaves_its_inputs_alone",)

    def make(self):
        def swaps(facts):
            facts.ids.masked_fill_(facts.tags == Role.MASK, 7)
            return facts

        return new(swaps)


class TestShuffles(ReversalContract):
    fails = (
        "test_same_inputs_give_the_same_result",
        "test_draws_no_random_numbers",
        "test_samples_stand_alone",
    )

    def make(self):
        return new(lambda facts: replace(facts, ids=torch.randint_like(facts.ids, 16000)))


class TestLeaksOnSomeGroup(ReversalContract):
    groups = ("train", "atomic")

    def make(self):
        strategy = new(lambda facts: facts)
        strategy.leaks_on = ("atomic",)
        return strategy


class TestLeaksOnNothingKnown(ReversalContract):
    groups = ("train", "atomic")
    fails = ("test_declares_valid_values",)

    def make(self):
        strategy = new(lambda facts: facts)
        strategy.leaks_on = ("atomics",)
        return strategy


class TestLeaksOnAString(ReversalContract):
    fails = ("test_declares_valid_values",)

    def make(self):
        strategy = new(lambda facts: facts)
        strategy.leaks_on = "atomic"
        return strategy


def branch(after):
    return with_target(lambda facts: Branch(facts.where(facts.tags == Role.TAIL), after=after(facts)))


class TestBranch(ReversalContract):
    def make(self):
        return branch(lambda facts: (facts.tags == Role.HEAD).sum(dim=1))


class TestBranchOfNothing(ReversalContract):
    fails = ("test_branches_go_on_within_their_sample",)

    def make(self):
        return branch(lambda facts: None)


class TestBranchBeyondItsSample(ReversalContract):
    fails = ("test_branches_go_on_within_their_sample",)

    def make(self):
        return branch(lambda facts: facts.valid.sum(dim=1) + 1)


def weighed(make_weights):
    return lambda facts: Views(((Part(facts.valid), Part(facts.valid)),), make_weights(facts))


class TestWeights(ReversalContract):
    def make(self):
        return weighed(lambda facts: ((facts.tags == Role.TAIL).sum(dim=1) / 2,))


class TestWeightsOfAnotherNumber(ReversalContract):
    fails = ("test_weights",)

    def make(self):
        return weighed(lambda facts: (None, None))


class TestWholeWeights(ReversalContract):
    fails = ("test_weights",)

    def make(self):
        return weighed(lambda facts: (facts.valid.sum(dim=1),))


class TestNegativeWeights(ReversalContract):
    fails = ("test_weights",)

    def make(self):
        return weighed(lambda facts: (-facts.valid.sum(dim=1).float(),))


class TestSelectsOfABlockByNumber(ReversalContract):
    fails = (*ROWS, "test_views_have_tokens")

    def make(self):
        return with_target(lambda facts: NewBlock(facts, select=facts.valid.float()))
