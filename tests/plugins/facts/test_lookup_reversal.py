"""The lookup reversal: explicit tables, names, self-inverse relations, refusals."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from jepa_core.contexts import BuildContext
from jepa_core.errors import ComponentError, DataError, JepaError
from jepa_core.testing import ReversalContract
from jepa_plugins.facts.lookup_reversal import LookupReversal, lookup
from jepa_plugins.facts.roles import GROUPS, Role, from_spans
from tests.support import vocabulary as make_vocabulary

TABLE = {16001: 16004, 16004: 16001, 16002: 16003, 16003: 16002}


class TestLookupContract(ReversalContract):
    groups = GROUPS

    def make(self):
        return LookupReversal(TABLE)


def context(names: dict[str, int], relations: tuple[int, ...], folder, **more) -> BuildContext:
    tokens = {"<mask>": 0, "<pad>": 1, "anna": 2, "bob": 3} | names
    vocabulary = make_vocabulary(tokens, relations, mask_id=0, pad_id=1, **more)
    return BuildContext(vocabulary, width=8, num_layers=2, search=(folder,))


@pytest.fixture
def kinship(tmp_path):
    """<parent> 10 and <child> 30 are inverse, <sibling> 20 is its own inverse."""
    return context({"<parent>": 10, "<sibling>": 20, "<child>": 30}, (10, 20, 30), tmp_path)


def write(context: BuildContext, text: str) -> str:
    (context.search[0] / "relations.yaml").write_text(text)
    return "relations.yaml"


def test_reverses_with_the_inverse_of_the_table():
    facts = from_spans([[[2, 4], [10], [0], [3]], [[2], [20], [0], [3]]], pad_id=1)
    ((source, target),) = LookupReversal({10: 30, 30: 10, 20: 20})(facts).pairs
    assert source.select.tolist() == [[True] * 5, [True] * 4 + [False]]
    assert target.samples.ids.tolist() == [[3, 30, 0, 2, 4], [3, 20, 0, 2, 1]]
    assert target.samples.tags[0].tolist() == [Role.HEAD, Role.RELATION, Role.MASK, Role.TAIL, Role.TAIL]


@settings(max_examples=30, deadline=None)
@given(st.sets(st.integers(0, 50_000), min_size=1, max_size=9), st.randoms())
def test_any_pairing_is_an_involution(ids, random):
    ids = sorted(ids)
    random.shuffle(ids)
    half = len(ids) // 2
    pairs = list(zip(ids[:half], ids[half:], strict=False)) + [(i, i) for i in ids[2 * half :]]
    reversal = LookupReversal({a: b for p in pairs for a, b in (p, p[::-1])})
    first, second = torch.tensor(pairs).T
    assert torch.equal(reversal.inverse(first), second)
    assert torch.equal(reversal.inverse(reversal.inverse(first)), first)


@pytest.mark.parametrize("wrong", [5, 11, 31, -1])
def test_names_an_id_that_is_not_in_the_table(wrong):
    with pytest.raises(ComponentError, match=f"token id {wrong} is no relation of the lookup table, .* 10, 30$"):
        LookupReversal({10: 30, 30: 10}).inverse(torch.tensor([[10], [wrong]]))


def test_leaks_on_atomic_samples():
    assert LookupReversal.leaks_on == ("atomic",)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "one relation at least"),
        ({1: 2}, "the inverse of '1' is '2', so that of '2' must be '1', but it has none"),
        ({1: 2, 2: 3, 3: 2}, "so that of '2' must be '1', but it is '3'"),
    ],
)
def test_a_table_must_be_an_involution(table, message):
    with pytest.raises(ComponentError, match=message):
        LookupReversal(table)


@pytest.mark.parametrize(
    "text",
    [
        "parent: child\nsibling: sibling\n",
        "<child>: <parent>\n<parent>: child\n<sibling>: sibling\n",
        "inverse_pairs: [[parent, child]]\nsymmetric: [sibling]\n",
        "symmetric: [<sibling>]\ninverse_pairs:\n- [<child>, <parent>]\n",
    ],
)
def test_reads_a_table_of_names(kinship, text):
    reversal = lookup(kinship, table=write(kinship, text))
    assert reversal.inverse(torch.tensor([10, 20, 30])).tolist() == [30, 20, 10]


def test_without_a_table_takes_the_names(tmp_path):
    names = {"<r>": 8, "<s_inv>": 5, "<s>": 6, "<r_inv>": 7}
    reversal = lookup(context(names, (5, 6, 7, 8), tmp_path))
    assert reversal.inverse(torch.tensor([5, 6, 7, 8])).tolist() == [6, 5, 8, 7]


def test_without_a_table_the_inverses_that_the_vocabulary_knows_come_before_names(tmp_path):
    names = {"<r>": 5, "<r_inv>": 6, "<s>": 7}
    reversal = lookup(context(names, (5, 6, 7), tmp_path, inverse_ids=(7, 6, 5)))
    assert reversal.inverse(torch.tensor([5, 6, 7])).tolist() == [7, 6, 5]


def test_names_a_relation_without_an_inverse(kinship, tmp_path):
    with pytest.raises(ComponentError, match=r"'<sibling>' \(20\) has no inverse in .*relations.yaml"):
        lookup(kinship, table=write(kinship, "parent: child\n"))
    with pytest.raises(ComponentError, match=r"'<s>' \(7\) has no inverse in the vocabulary .*<x_inv>.*table: FILE"):
        lookup(context({"<r>": 5, "<r_inv>": 6, "<s>": 7}, (5, 6, 7), tmp_path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parent: chidl\nsibling: sibling\n", "relations.yaml: .*'chidl' .*; did you mean '<child>'"),
        ("parent: anna\n", r"relations.yaml: 'anna' \(2\) is no relation"),
        (
            "parent: child\nsibling: child\n",
            "relations.yaml: the inverse of '<parent>' is .* but it is '<sibling>'",
        ),
        ("- parent\n", "relations.yaml: expected a mapping relation -> inverse relation"),
        ("", "relations.yaml:1: the file is empty"),
        ("parent: 7\n", "relations.yaml: expected a mapping .* names on both sides"),
        ("parent: child\nparent: sibling\n", "relations.yaml:2: .*parent"),
        ("inverse_pairs: [[parent, child, sibling]]\n", r"relations.yaml: inverse_pairs\[0\]"),
        ("inverse_pairs: [[parent, child]]\nsymetric: [sibling]\n", "symetric.*; did you mean 'symmetric'"),
    ],
)
def test_refuses_a_wrong_table_naming_the_file(kinship, text, message):
    with pytest.raises(JepaError, match=message):
        lookup(kinship, table=write(kinship, text))


def test_names_a_missing_file(kinship):
    with pytest.raises(DataError, match=r"nowhere.yaml: not found"):
        lookup(kinship, table="nowhere.yaml")
