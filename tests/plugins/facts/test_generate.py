from __future__ import annotations

from collections import Counter
from dataclasses import replace
from hashlib import sha256

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jepa_core.errors import DataError
from jepa_plugins.facts.generate import generate_task, name_entities, sample, with_further_partners
from jepa_plugins.facts.leaks import check_leaks
from jepa_plugins.facts.roles import SampleType
from jepa_plugins.facts.task_size import TaskSize
from tests.plugins.facts.specimen import same_task, triples

SMALL = TaskSize(entities_both_ways=40, entities_one_way=24, relation_pairs=3, name_multiplicity=4)


@pytest.fixture(scope="module")
def task():
    return generate_task(SMALL, seed=1)


def of_type(task, kind):
    return [t for t, k in zip(triples(task.train), task.train.sample_type.tolist(), strict=True) if k == kind]


def test_same_structure_as_a_task_of_known_counts():
    """2,000 + 1,200 entities, six pairs, names shared by ten: 15,600 facts, 655 tokens, <r_0> = 641."""
    task = generate_task(TaskSize(2000, 1200, 6, 10, 3000), seed=0)
    types = Counter(task.train.sample_type.tolist())
    assert types == {SampleType.TRAIN: 12_000, SampleType.ATOMIC: 3_600}
    assert {split: len(facts) for split, facts in task.evaluation.items()} == dict.fromkeys(
        ("train", "atomic", "test"), 3000
    )
    tokens = task.vocabulary.token_to_id
    assert list(tokens.values()) == list(range(655))
    assert Counter(name[:3] for name in list(tokens)[:640]) == {"<f_": 320, "<l_": 320}
    relations = [f"<r_{i}{suffix}>" for i in range(6) for suffix in ("", "_inv")]
    assert list(tokens)[640:] == ["<mask>", *relations, "<pad>", "<PRED>"]
    assert task.vocabulary.relation_ids == tuple(range(641, 653))
    assert (task.vocabulary.mask_id, task.vocabulary.pad_id, task.vocabulary.pred_ids) == (640, 653, ())
    assert task.train.ids.shape == (15_600, 6)
    assert set(Counter(relation for _, relation, _ in of_type(task, SampleType.TRAIN)).values()) == {1000}


def test_every_name_is_shared_by_as_many_entities_as_asked(task):
    entities = {entity for head, _, tail in triples(task.train) for entity in (head, tail)}
    assert len(entities) == 64
    names = task.vocabulary.id_to_token
    first, last = Counter(names[f] for f, _ in entities), Counter(names[g] for _, g in entities)
    assert first == {f"<f_{i}>": 4 for i in range(16)}
    assert last == {f"<l_{i}>": 4 for i in range(16)}


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 12), st.integers(0, 20), st.integers(0, 1000))
def test_entities_are_all_different_and_names_shared_exactly(shared_by, more, seed):
    count = 2 * (shared_by + more)  # names of each kind, at least as many as entities that share one
    size = TaskSize(count * shared_by - 2, 2, 1, shared_by) if count * shared_by > 2 else TaskSize(2, 2, 1, 1)
    names, entities = name_entities(size, np.random.default_rng(seed))
    assert len({tuple(row) for row in entities.tolist()}) == size.entities
    assert set(np.bincount(entities.ravel(), minlength=len(names)).tolist()) == {size.name_multiplicity}
    assert all(names[f].startswith("<f_") and names[g].startswith("<l_") for f, g in entities.tolist())


def test_longer_names_share_the_tokens_between_too():
    """16 entities, names shared by four: four of each kind; the task of two tokens is as it was."""
    names, entities = name_entities(TaskSize(12, 4, 1, 4, name_tokens=4), np.random.default_rng(5))
    assert {name.split("_")[0] for name in names} == {"<f", "<m0", "<m1", "<l"}
    assert [[names[token].split("_")[0] for token in row] for row in entities.tolist()] == [
        ["<f", "<m0", "<m1", "<l"]
    ] * 16
    assert set(np.bincount(entities.ravel(), minlength=16).tolist()) == {4}
    assert len({tuple(row) for row in entities[:, [0, 3]].tolist()}) == 16
    task = generate_task(TaskSize(12, 4, 1, 4, name_tokens=3), seed=1)
    assert task.train.ids.shape == (12 + 2, 8)
    assert task.vocabulary.size == TaskSize(12, 4, 1, 4, name_tokens=3).tokens + 3  # mask, pad, PRED


def test_one_token_names_are_one_token_an_entity():
    task = generate_task(TaskSize(20, 10, 2, None), seed=3)
    assert sorted(list(task.vocabulary.token_to_id)[:30]) == sorted(f"<e_{i}>" for i in range(30))
    assert task.train.ids.shape == (2 * 20 + 10, 4)


def test_both_directions_of_one_group_are_trained_and_one_of_the_other(task):
    inverse = dict(zip(task.vocabulary.relation_ids, task.vocabulary.inverse_ids, strict=True))
    both, one = set(of_type(task, SampleType.TRAIN)), set(of_type(task, SampleType.ATOMIC))
    assert len(both) == 3 * 40  # each pair: 20 facts, both ways
    assert len(one) == 3 * 12
    assert {(t, inverse[r], h) for h, r, t in both} == both
    held_out = {(t, inverse[r], h) for h, r, t in one}
    assert set(triples(task.evaluation["test"])) == held_out
    assert not held_out & (both | one)


def test_each_relation_pairs_every_entity_of_a_group_once(task):
    for kind, per_pair in ((SampleType.TRAIN, 40), (SampleType.ATOMIC, 24)):
        facts = of_type(task, kind)
        for pair in range(3):
            ids = task.vocabulary.relation_ids[2 * pair : 2 * pair + 2]
            ends = {frozenset((h, t)) for h, r, t in facts if r in ids}
            assert len(ends) == per_pair // 2
            assert len(frozenset.union(*ends)) == per_pair


def test_the_groups_have_no_entity_in_common(task):
    ends = [{e for h, _, t in of_type(task, kind) for e in (h, t)} for kind in (0, 1)]
    assert not ends[0] & ends[1]
    assert [len(group) for group in ends] == [40, 24]


def test_pairings_differ_between_relations_and_directions_are_mixed(task):
    facts = of_type(task, SampleType.TRAIN)
    pairings = [{frozenset((h, t)) for h, r, t in facts if r == first} for first in task.vocabulary.relation_ids[::2]]
    assert pairings[0] != pairings[1]
    atomic = Counter(r in task.vocabulary.relation_ids[::2] for _, r, _ in of_type(task, SampleType.ATOMIC))
    assert min(atomic[True], atomic[False]) >= 5  # of 36 drawn evenly


def test_the_same_seed_makes_the_same_task_and_another_seed_another(task):
    assert same_task(task, generate_task(SMALL, seed=1))
    assert not same_task(task, generate_task(SMALL, seed=2))


def test_evaluation_splits_are_capped_and_ask_the_same_pairs_both_ways():
    task = generate_task(TaskSize(40, 24, 3, 4, evaluation_samples=10), seed=1)
    assert [len(facts) for facts in task.evaluation.values()] == [10, 10, 10]
    inverse = dict(zip(task.vocabulary.relation_ids, task.vocabulary.inverse_ids, strict=True))
    asked = [(t, inverse[r], h) for h, r, t in triples(task.evaluation["atomic"])]
    assert asked == triples(task.evaluation["test"])
    assert set(triples(task.evaluation["train"])) <= set(of_type(task, SampleType.TRAIN))


def test_every_sample_has_an_index_of_its_own(task):
    sets = (task.train, *task.evaluation.values())
    indices = torch.cat([facts.__getitems__(range(len(facts)))["index"] for facts in sets])
    assert indices.tolist() == list(range(sum(map(len, sets))))


def test_nothing_leaks(task):
    check_leaks(task, "train", "test")


def test_a_sample_is_ascending_without_repeats():
    rng = np.random.default_rng(0)
    few = sample(100, 10, rng).tolist()
    assert few == sorted(set(few))
    assert len(few) == 10
    assert few != list(range(10))
    assert sample(5, 10, rng).tolist() == [0, 1, 2, 3, 4]


def test_a_negative_seed_is_refused():
    with pytest.raises(DataError, match="seed: expected 0 or more, not -1"):
        generate_task(SMALL, seed=-1)


def hashed(task) -> str:
    found = sha256()
    for each in (task.train, *task.evaluation.values()):
        found.update(each.ids.numpy().tobytes())
    return found.hexdigest()[:16]


def test_one_partner_is_the_task_that_it_always_was(task):
    assert hashed(task) == "8351c79230ba4405"


@pytest.mark.parametrize("partners", [2, 3])
def test_several_right_answers(partners):
    """40 + 24 entities: in each of three relation pairs half of them ask by the one relation, half by the other."""
    size = replace(SMALL, partners=partners)
    made = generate_task(size, seed=1)
    assert len(set(triples(made.train))) == len(made.train) == 3 * partners * (40 + 12)
    both, one = of_type(made, SampleType.TRAIN), of_type(made, SampleType.ATOMIC)
    held_out = triples(made.evaluation["test"])
    for facts in (both, [*one, *held_out]):
        answers = Counter((head, relation) for head, relation, _ in facts)
        assert set(answers.values()) == {partners}
        assert len(answers) == len({head for head, _, _ in facts}) * 3, "each asks by one relation of each pair"
    inverse = dict(zip(made.vocabulary.relation_ids, made.vocabulary.inverse_ids, strict=True))
    assert {(t, inverse[r], h) for h, r, t in both} == set(both)
    asked, known = ({(head, relation) for head, relation, _ in facts} for facts in (held_out, one))
    assert not asked & known, "of a question either every answer is trained, or none"
    assert {(t, h) for h, _, t in one} == {(t, h) for t, _, h in held_out}
    check_leaks(made, "training", "test")


def test_the_direction_is_drawn_for_facts_that_hang_together():
    """Two partners make rings; both directions occur among the rings of some relation pair."""
    made = generate_task(TaskSize(16, 400, 1, 4, partners=2), seed=2)
    asked = Counter(relation for _, relation, _ in triples(made.evaluation["test"]))
    assert set(asked) == set(made.vocabulary.relation_ids)
    assert sum(asked.values()) == 400


@given(st.integers(8, 40), st.integers(1, 5), st.integers(0, 10**6))
@settings(deadline=None, max_examples=30)
def test_never_the_same_two_again(pairs, partners, seed):
    rows = with_further_partners(np.arange(2 * pairs), partners, np.random.default_rng(seed))
    assert rows.shape == (partners, 2 * pairs)
    assert (rows[:, ::2] == np.arange(0, 2 * pairs, 2)).all()
    assert all(sorted(row) == list(range(1, 2 * pairs, 2)) for row in rows[:, 1::2].tolist())
    assert all(len(set(column)) == partners for column in rows.T[1::2].tolist())
