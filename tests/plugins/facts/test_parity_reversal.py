"""The parity reversal: the golden case, properties over facts of any shape, refusals."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jepa_core.contexts import BuildContext
from jepa_core.errors import ComponentError
from jepa_core.samples.samples import Samples
from jepa_core.testing import ReversalContract
from jepa_plugins.facts.parity_reversal import ParityReversal, parity
from jepa_plugins.facts.roles import GROUPS, Role, from_spans
from tests.support import vocabulary as make_vocabulary

MASK, PAD = 9000, 9001


class TestParityContract(ReversalContract):
    groups = GROUPS

    def make(self):
        return ParityReversal(16001, 12)


def context(*names: str, first: int = 16001, inverse_ids: tuple[int, ...] = ()) -> BuildContext:
    relations = {name: first + i for i, name in enumerate(names)}
    tokens = {"a": 1, "b": 2, "<mask>": MASK, "<pad>": PAD, **relations}
    vocabulary = make_vocabulary(tokens, tuple(relations.values()), MASK, PAD, inverse_ids=inverse_ids)
    return BuildContext(vocabulary, width=8, num_layers=2)


def reverse(reversal: ParityReversal, facts: Samples) -> Samples:
    ((_, target),) = reversal(facts).pairs
    return target.samples


def test_golden_case():
    """16001 <-> 16002: the fact as source, and the entities changed over around the other relation."""
    facts = from_spans([[[1, 2], [16001], [16000], [3, 4]], [[5, 6], [16002], [16000], [7, 8]]], 16013)
    ((source, target),) = ParityReversal(16001, 12)(facts).pairs
    assert source.select.all()
    assert target.samples.ids.tolist() == [[3, 4, 16002, 16000, 1, 2], [7, 8, 16001, 16000, 5, 6]]
    order = [Role.HEAD, Role.HEAD, Role.RELATION, Role.MASK, Role.TAIL, Role.TAIL]
    assert target.samples.tags.tolist() == [order, order]


@pytest.mark.parametrize(
    ("first", "ids", "inverse"),
    [
        (16001, [16001, 16002, 16003, 16004, 16012], [16002, 16001, 16004, 16003, 16011]),
        (16000, [16000, 16001, 16002, 16003, 16011], [16001, 16000, 16003, 16002, 16010]),
    ],
)
def test_the_inverse_goes_by_the_parity_of_the_first_id(first, ids, inverse):
    assert ParityReversal(first, 12).inverse(torch.tensor(ids)).tolist() == inverse


def test_mixed_lengths_by_hand():
    facts = from_spans([[[1], [11], [MASK], [2, 3, 4]], [[5, 6], [12], [MASK], [7]]], PAD)
    assert facts.ids.tolist() == [[1, 11, MASK, 2, 3, 4], [5, 6, 12, MASK, 7, PAD]]
    assert reverse(ParityReversal(11, 2), facts).ids.tolist() == [
        [2, 3, 4, 12, MASK, 1],
        [7, 11, MASK, 5, 6, PAD],
    ]


@st.composite
def facts_and_reversal(draw):
    """Up to five facts, entities of one to four tokens, any first relation id."""
    first, pairs = draw(st.integers(1000, 2001)), draw(st.integers(1, 4))
    entity = st.lists(st.integers(0, 99), min_size=1, max_size=4)
    relation = st.integers(first, first + 2 * pairs - 1)
    fact = st.tuples(entity, relation.map(lambda r: [r]), st.just([MASK]), entity)
    return from_spans(draw(st.lists(fact, max_size=5)), PAD), ParityReversal(first, 2 * pairs)


def entity_tokens(facts: Samples) -> list[list[int]]:
    is_entity = (facts.tags == Role.HEAD) | (facts.tags == Role.TAIL)
    return [sorted(ids[keep].tolist()) for ids, keep in zip(facts.ids, is_entity, strict=True)]


@settings(max_examples=60, deadline=None)
@given(facts_and_reversal())
def test_reversing_twice_gives_the_fact_back(case):
    facts, reversal = case
    again = reverse(reversal, reverse(reversal, facts))
    assert torch.equal(again.ids, facts.ids)
    assert torch.equal(again.tags, facts.tags)


@settings(max_examples=60, deadline=None)
@given(facts_and_reversal())
def test_only_the_relation_token_changes(case):
    facts, reversal = case
    turned = reverse(reversal, facts)
    assert entity_tokens(turned) == entity_tokens(facts)
    assert torch.equal(turned.valid, facts.valid)
    for i in range(len(facts)):
        before, after = sorted(facts.ids[i].tolist()), sorted(turned.ids[i].tolist())
        changed = [b - a for a, b in zip(before, after, strict=True) if a != b]
        assert changed in ([1], [-1])


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100_000), st.integers(1, 20))
def test_ids_pair_up_for_odd_and_even_first_ids(first, pairs):
    ids = torch.arange(first, first + 2 * pairs)
    inverse = ParityReversal(first, 2 * pairs).inverse(ids)
    assert inverse.tolist() == [i for low in range(first, first + 2 * pairs, 2) for i in (low + 1, low)]


@pytest.mark.parametrize("wrong", [16000, 16013, 5])
def test_names_an_id_outside_the_relations(wrong):
    facts = from_spans([[[1], [16001], [MASK], [2]], [[1], [wrong], [MASK], [2]]], PAD)
    with pytest.raises(ComponentError, match=f"token id {wrong} is no relation: relations are 16001 to 16012"):
        ParityReversal(16001, 12)(facts)


@pytest.mark.parametrize("number", [0, 1, 3])
def test_relations_come_in_pairs(number):
    with pytest.raises(ComponentError, match=f"{number} don't pair up"):
        ParityReversal(16001, number)


def test_leaks_on_atomic_samples():
    assert ParityReversal.leaks_on == ("atomic",)


def test_takes_the_first_relation_of_the_vocabulary():
    reversal = parity(context("<r_0>", "<r_0_inv>", "<r_1>", "<r_1_inv>"))
    assert (reversal.first, reversal.last) == (16001, 16004)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (
            ("<r>", "<s>", "<r_inv>", "<s_inv>"),
            r"inverse of '<r>' \(16001\) is '<s>' \(16002\).*'<r_inv>' \(16003\)",
        ),
        (
            ("<s>", "<r>", "<r_inv>", "<t>"),
            r"inverse of '<r>' \(16002\) is '<s>' \(16001\), .*'<r_inv>' \(16003\)",
        ),
    ],
)
def test_refuses_names_that_contradict_parity(names, message):
    with pytest.raises(ComponentError, match=message + ": use 'reversal: lookup'"):
        parity(context(*names))


def test_refuses_inverses_of_the_vocabulary_that_contradict_parity():
    with pytest.raises(ComponentError, match=r"vocabulary says '<symmetric>' \(16001\): use 'reversal: lookup'"):
        parity(context("<symmetric>", "<other>", inverse_ids=(16001, 16002)))


def test_an_explicit_first_id_must_be_the_first_relation():
    names = ("<r_0>", "<r_0_inv>")
    assert parity(context(*names), first_relation_token_id=16001).first == 16001
    with pytest.raises(ComponentError, match="from 16002 on, the vocabulary has 16001, 16002"):
        parity(context(*names), first_relation_token_id=16002)


def test_a_vocabulary_without_relations_is_refused():
    with pytest.raises(ComponentError, match="0 don't pair up"):
        parity(context())
