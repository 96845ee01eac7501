"""Rows that a rule makes of training facts, by hand."""

import pytest
import torch

from jepa_core.contexts import DatasetContext
from jepa_core.errors import DataError
from jepa_core.testing import DatasetContract
from jepa_plugins.facts.added import RULES, with_added, with_is
from jepa_plugins.facts.alike import fact_keys
from jepa_plugins.facts.joined_set import of_data
from jepa_plugins.facts.reversal_curse import reversal_curse
from jepa_plugins.facts.roles import Role, SampleType
from jepa_plugins.facts.task import fact_task
from tests.plugins.facts.test_reversal_curse import SIZES
from tests.support import MASK_ID, PAD_ID, SAMPLES, small_set, vocabulary

NAMES = {f"e{i}": i for i in range(16)} | {"<mask>": MASK_ID, **{f"r{i}": i for i in range(17, 23)}, "<pad>": PAD_ID}
VOCABULARY = vocabulary(NAMES, tuple(range(17, 23)), MASK_ID, PAD_ID)


def rows(rule, samples=SAMPLES) -> list[list[int]]:
    task = fact_task(small_set(samples), {"test": small_set([([0], 18, MASK_ID, [3, 4], "test")])}, VOCABULARY)
    added = with_added(task, rule).train.second
    found = []
    for ids, tags in zip(added.ids.tolist(), added.tags.tolist(), strict=True):
        answer = [i for i, tag in zip(ids, tags, strict=True) if tag == Role.TAIL]
        told = [i for i, tag in zip(ids, tags, strict=True) if tag != Role.PAD]
        assert told[-len(answer) :] == answer, "the answer is asked for last"
        found.append(told)
    return found


def test_a_is_a_of_every_entity_of_the_training_facts():
    found = sorted(rows("identity"))
    names = [[1, 2], [3, 4], [5], [6, 7, 8], [9, 10, 11, 12], [13], [14], [15]]
    assert found == [[*name, 24, MASK_ID, *name] for name in names], "24 is <is>; 0 is in the test fact alone"


def test_the_token_of_identity_is_a_relation_of_its_own():
    made = with_is(VOCABULARY)
    assert (made.name(24), made.relation_ids) == ("<is>", (17, 18, 19, 20, 21, 22, 24))
    with pytest.raises(DataError, match="needs a token <is> of its own"):
        with_is(made)


def test_words_from_the_last_to_the_first():
    assert rows("reversed_words")[:2] == [[4, 3, MASK_ID, 17, 2, 1], [8, 7, 6, MASK_ID, 18, 5]]


def test_names_keep_their_order_where_they_are_to():
    assert rows("reversed_order")[:2] == [[3, 4, MASK_ID, 17, 1, 2], [6, 7, 8, MASK_ID, 18, 5]]


BOTH = [([1], 17, MASK_ID, [2], "train"), ([2], 18, MASK_ID, [1], "train"), ([5, 6], 17, MASK_ID, [7], "atomic")]


def test_the_reverse_that_is_missing():
    assert rows("mined_inverses", BOTH) == [[7, 18, MASK_ID, 5, 6]]


def test_a_relation_that_turns_few_round_is_no_inverse():
    """One fact of three has its reverse in relation 18: less than half."""
    with pytest.raises(DataError, match="mined_inverses finds no fact"):
        rows("mined_inverses", [*BOTH, ([8], 17, MASK_ID, [9], "atomic")])


@pytest.mark.parametrize("rule", RULES)
def test_what_the_data_say_stays_as_it_is(rule):
    plain, made = (reversal_curse(DatasetContext(k=1), **SIZES, added=a) for a in (None, rule))
    facts, added = of_data(made.train), made.train.second
    assert torch.equal(facts.ids, plain.train.ids)
    assert set(made.train.group_sizes) == {"train", "atomic", "added"}
    assert set(added.sample_type.tolist()) == {SampleType.ADDED}
    index = torch.cat(
        [each.__getitems__(range(len(each)))["index"] for each in (made.train, *made.evaluation.values())]
    )
    assert len(index.unique()) == len(index)
    assert set(plain.vocabulary.token_to_id.items()) <= set(made.vocabulary.token_to_id.items())


def test_mined_inverses_are_the_held_out_facts_and_no_other_rule_gives_one():
    """The upper bound knows what is asked; the others do not."""
    for rule in RULES:
        made = reversal_curse(DatasetContext(), **SIZES, added=rule)
        added, held_out = fact_keys(made.train.second.facts), fact_keys(made.evaluation["test"].facts)
        assert (set(held_out) <= set(added)) == (rule == "mined_inverses")
        assert set(held_out) & set(added) == (set(held_out) if rule == "mined_inverses" else set())


class TestAddedContract(DatasetContract):
    def make(self):
        return reversal_curse(DatasetContext(k=1), **SIZES, added="identity")
