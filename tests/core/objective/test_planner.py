"""Plans: who pays the JEPA loss, which tokens run, at which positions."""

from __future__ import annotations

import pytest
import torch

from jepa_core.errors import ComponentError
from jepa_core.objective.plan import append_predictors
from jepa_core.objective.planner import Planner
from jepa_core.samples.samples import Samples
from jepa_core.views.pairs import NewBlock, Part, Views
from jepa_plugins.facts.parity_reversal import ParityReversal
from jepa_plugins.facts.roles import Role, from_spans
from jepa_plugins.loss_dropout import LossDropout
from jepa_plugins.sample_type import SampleTypeFilter
from tests.support import FIRST_RELATION, RELATIONS, SAMPLES, small_batch, small_spec

PARITY = ParityReversal(FIRST_RELATION, RELATIONS)


def planner(reversal, *filters, pred_ids=(), **options) -> Planner:
    return Planner(small_spec(reversal=reversal, filters=filters, pred_ids=pred_ids, **options))


def test_the_golden_fact():
    """Vocabulary 16,015: fact of six tokens, one predictor (16014), its reversal; positions 0 to 12."""
    facts = from_spans([[[1, 2], [16001], [16000], [3, 4]]], pad_id=16013)
    labels = torch.tensor([[-100, -100, -100, -100, 3, 4]])
    batch = {"input_ids": facts.ids, "tags": facts.tags, "labels": labels}
    batch |= {"group": torch.tensor([0]), "index": torch.tensor([0])}
    plan = planner(ParityReversal(16001, 12), pred_ids=(16014,))(batch, step=0, training=True)
    first, second = plan.blocks
    assert first.ids.tolist() == [[1, 2, 16001, 16000, 3, 4, 16014]]
    assert second.ids.tolist() == [[3, 4, 16002, 16000, 1, 2]]
    assert torch.cat([first.positions, second.positions], dim=1).tolist() == [list(range(13))]
    ((source, target),) = plan.pairs
    assert (source.block, target.block) == (0, 1)
    assert source.select.all()
    assert target.select.all()
    assert (plan.own_labels.columns.tolist(), plan.own_labels.ids.tolist()) == ([3, 4], [3, 4])
    assert plan.tokens == 13


def test_mixed_lengths():
    """Predictors follow each sample's last real token; second views start at s + k, sample by sample."""
    plan = planner(PARITY, SampleTypeFilter(), pred_ids=(24, 24))(small_batch(), step=0, training=True)
    first, second = plan.blocks
    assert first.ids[0].tolist()[:8] == [1, 2, 17, 16, 3, 4, 24, 24]
    assert first.tags[0].tolist()[6:] == [Role.PRED, Role.PRED, Role.PAD]
    assert first.ids[1].tolist() == [5, 18, 16, 6, 7, 8, 24, 24, 0][: first.ids.shape[1]]
    assert second.sample.tolist() == [0, 2, 3]
    lengths = [len(SAMPLES[i][0]) + len(SAMPLES[i][3]) + 2 for i in (0, 2, 3)]
    assert second.positions[:, 0].tolist() == [length + 2 for length in lengths]
    assert plan.jepa_pairs == 3


def test_second_views_are_made_of_counted_samples_only():
    seen = []

    def spy(facts):
        seen.append(len(facts))
        return PARITY(facts)

    drop_all = (SampleTypeFilter(), LossDropout(rate=1.0))
    assert planner(spy, *drop_all)(small_batch(), 0, training=True).jepa_pairs == 0
    assert seen == []
    assert planner(spy, *drop_all)(small_batch(), 0, training=False).jepa_pairs == 3
    assert seen == [3]


def test_dropout_is_the_same_for_any_batch_split():
    made = planner(PARITY, SampleTypeFilter(), LossDropout(rate=0.5), seed=3)
    batch = small_batch([(*s[:4], "train") for s in SAMPLES * 20])
    for step in (0, 1):
        whole = made.eligible(batch, step, training=True)
        halves = [{n: v[part] for n, v in batch.items()} for part in (slice(0, 37), slice(37, None))]
        assert torch.equal(whole, torch.cat([made.eligible(half, step, training=True) for half in halves]))
        assert 20 < whole.sum() < 80
    assert not torch.equal(whole, made.eligible(batch, 0, training=True))


def test_dropout_by_step_keeps_or_drops_all_pairs_together():
    made = planner(PARITY, SampleTypeFilter(), LossDropout(rate=0.5, level="step"))
    kept = [int(made.eligible(small_batch(), step, training=True).sum()) for step in range(200)]
    assert set(kept) == {0, 3}
    assert 70 < kept.count(3) < 130


def test_a_leaking_pair_is_refused():
    with pytest.raises(ComponentError, match="held-out answer of 'atomic' samples"):
        planner(PARITY)(small_batch(), 0, training=True)


def test_a_filter_of_the_wrong_type_is_refused():
    with pytest.raises(ComponentError, match=r"filter .*: must return bool"):
        planner(PARITY, lambda eligible, batch, draws: eligible.float())(small_batch(), 0, training=True)


def test_views_inside_the_fact_cost_no_tokens():
    """A part as target, and predictors that belong to the source."""

    def question_to_tail(facts):
        tail = facts.tags == Role.TAIL
        return Views(((Part(facts.valid & ~tail), Part(tail)),))

    plan = planner(question_to_tail, pred_ids=(24,))(small_batch(SAMPLES[:2]), 0, training=True)
    assert len(plan.blocks) == 1
    ((source, target),) = plan.pairs
    assert source.select.int().tolist() == [[1, 1, 1, 1, 0, 0, 1], [1, 1, 1, 0, 0, 0, 1]]
    assert target.select.int().tolist() == [[0, 0, 0, 0, 1, 1, 0], [0, 0, 0, 1, 1, 1, 0]]


def test_two_new_blocks_follow_each_other():
    def both_new(facts):
        return Views(((NewBlock(facts), PARITY(facts).pairs[0][1]),))

    plan = planner(both_new, pred_ids=(24,))(small_batch(SAMPLES[:1]), 0, training=True)
    assert [block.ids.shape[1] for block in plan.blocks] == [6, 7, 6]
    assert [int(block.positions[0, 0]) for block in plan.blocks] == [0, 6, 13]


def test_a_strategy_that_asks_for_draws_gets_those_of_its_samples():
    """Cut at random: the same cut of a sample in every batch, another one in every step."""
    seen = {}

    def cut(facts, draws):
        for index, number in zip(draws.index.tolist(), draws().tolist(), strict=True):
            seen.setdefault(index, []).append(number)
        place = (draws() * 3).long()[:, None]
        first = torch.arange(facts.ids.shape[1]) <= place
        return Views(((Part(facts.valid & first), Part(facts.valid & ~first)),))

    made = planner(cut, SampleTypeFilter(), seed=3)
    batch = small_batch()
    whole = made(batch, 0, training=True)
    parts = [made({n: v[rows] for n, v in batch.items()}, 0, training=True) for rows in ([0, 1], [4, 2, 3])]
    assert sorted(seen) == [0, 2, 3], "of the samples that pay alone"
    assert all(one == other for one, other in seen.values())
    assert len({numbers[0] for numbers in seen.values()}) == 3
    source = whole.pairs[0].source.select
    assert torch.equal(source, torch.cat([part.pairs[0].source.select for part in parts]))
    made(batch, 1, training=True)
    assert all(numbers[2] != numbers[0] for numbers in seen.values())


def test_append_predictors_to_nothing():
    empty = Samples(torch.zeros(0, 4, dtype=torch.int64), torch.zeros(0, 4, dtype=torch.int64))
    assert append_predictors(empty, torch.tensor([1])).ids.shape == (0, 4)
