"""Keeping some of what a predictor answers, and the task that comes of it."""

from dataclasses import replace

import pytest
import torch

from jepa_core.errors import ComponentError, DataError
from jepa_core.evaluation.evaluate import EvaluationContext
from jepa_core.registry import Registry
from jepa_core.testing import DatasetContract
from jepa_plugins.facts import rehearsal
from jepa_plugins.facts.concepts import concepts
from jepa_plugins.facts.question_to_entity import QuestionToEntity
from jepa_plugins.facts.rehearsal import kept, unanswered_questions
from jepa_plugins.facts.roles import Role, SampleType
from jepa_plugins.facts.task import fact_task
from jepa_plugins.last_token import LastToken
from tests.support import MASK_ID, PAD_ID, SAMPLES, small_model, small_objective, small_set, vocabulary

NAMES = {f"e{i}": i for i in range(16)} | {"<mask>": MASK_ID, **{f"r{i}": i for i in range(17, 23)}, "<pad>": PAD_ID}
VOCABULARY = vocabulary(NAMES, tuple(range(17, 23)), MASK_ID, PAD_ID)
TEST = [([3, 4], 18, MASK_ID, [0], "test")]


def objective():
    extractors = (LastToken(tag=Role.MASK), LastToken(layer=1))
    return small_objective(small_model(), k=0, reversal=QuestionToEntity(), embedding=extractors).eval()


def task(test=TEST):
    held_out = small_set(test)
    held_out.first_index = len(SAMPLES)
    return fact_task(small_set(), {"test": held_out}, VOCABULARY)


class Untouchable:
    """A set that must not be read."""

    def __getattr__(self, name):
        raise AssertionError(f"a held-out set was asked for {name}")

    def __len__(self):
        raise AssertionError("a held-out set was asked for its length")


def test_held_out_facts_are_not_read_and_can_not_enter():
    """The test fact names an entity and, with another answer, a question; rows are the same whatever it says."""
    asker = unanswered_questions(cut="all")
    alone = asker(objective(), task())
    untouched = asker(objective(), replace(task(), evaluation={"test": Untouchable()}, candidates=Untouchable()))
    assert alone == untouched
    assert alone.counts == {"training facts read": 5, "entities": 8, "relations": 5, "questions asked": 35}
    assert not any("e0" in (*row["head"], *row["tail"]) for row in alone.rows), "e0 is in the test fact alone"
    assert any((row["head"], row["relation"]) == (["e3", "e4"], "r18") for row in alone.rows)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"confidence": "cosine"}, True),
        ({"cut": "minimum_error"}, True),
        ({"cut": "uppermost"}, False),
        ({"cut": "nothing"}, False),
        ({"cut": {"fixed": 9.0}}, False),
        ({"cut": "all"}, False),
    ],
)
def test_who_is_sure_of_nothing_is_told_of_a_finer_measure(options, said, monkeypatch):
    """Unless that found nothing either, or the cut is none that looks for populations."""
    monkeypatch.setattr(rehearsal, "POPULATIONS", dict.fromkeys(rehearsal.POPULATIONS, lambda confidence: None))
    found = unanswered_questions(**options)(objective(), task())
    assert found.advice == ("try rehearsal.asker.confidence=cosine_and_back rehearsal.asker.cut=uppermost" * said)
    assert bool(found.rows) == (options == {"cut": "all"})


def test_rows_become_facts_of_their_own_group():
    asker = unanswered_questions(cut="all")
    data, rows = task(), asker(objective(), task()).rows
    made = asker.extend(data, rows[:2])
    assert made.train.group_sizes == {"train": 3, "atomic": 2, "rehearsed": 2}
    assert made.evaluation is data.evaluation
    assert made.train.__getitems__(range(7))["index"].tolist() == [0, 1, 2, 3, 4, 6, 7], "5 is the test fact"
    for number, row in enumerate(rows[:2]):
        sample = made.train[5 + number]
        names = [VOCABULARY.name(int(i)) for i in sample["input_ids"]]
        assert names == [*row["head"], row["relation"], "<mask>", *row["tail"]]
        assert int(sample["group"]) == SampleType.REHEARSED
    assert asker.extend(data, []) is data


def test_what_was_rehearsed_makes_no_answer_right():
    """Concept evaluation leaves other right answers out of its ranking: a rehearsed one is not right for that."""
    asker, data, made = unanswered_questions(cut="all"), task(), objective()
    wrong = {"head": ["e3", "e4"], "relation": "r18", "tail": ["e9", "e10", "e11", "e12"], "confidence": 1.0}
    figures = [
        concepts(EvaluationContext(made, each))("test", data.evaluation["test"], 4)
        for each in (data, asker.extend(data, [wrong]))
    ]
    assert figures[0] == figures[1]


def asked(rows):
    return [(*row["head"], row["relation"]) for row in rows]


def test_shuffled_answers_are_the_same_answers_of_other_questions():
    rows, control = (
        unanswered_questions(cut={"share": 0.5}, control=control)(objective(), task()).rows
        for control in (None, "shuffled")
    )
    assert asked(rows) == asked(control)
    assert sorted(row["tail"] for row in rows) == sorted(row["tail"] for row in control)
    assert [row["tail"] for row in rows] != [row["tail"] for row in control]
    again = unanswered_questions(cut={"share": 0.5}, control="shuffled")(objective(), task()).rows
    assert control == again


def test_half_of_the_questions_is_the_same_half_whatever_is_kept():
    whole, half, fewer = (
        unanswered_questions(cut=cut, control=control)(objective(), task())
        for cut, control in (("all", None), ("all", "half"), ({"share": 0.5}, "half"))
    )
    assert whole.counts["questions asked"] == 35
    assert 9 < half.counts["questions asked"] == len(half.rows) < 26
    assert set(asked(fewer.rows)) < set(asked(half.rows)) < set(asked(whole.rows))
    assert {row["tail"][0] for row in half.rows} <= {row["tail"][0] for row in whole.rows}


SURE = torch.tensor([0.1, 0.9, 0.5, 0.9, 0.2])


@pytest.mark.parametrize(
    ("cut", "numbers"),
    [
        ("all", [1, 3, 2, 4, 0]),
        ("nothing", []),
        ({"share": 0.4}, [1, 3]),
        ({"share": 0.0}, []),
        ({"share": 1.0}, [1, 3, 2, 4, 0]),
        ({"fixed": 0.5}, [1, 3, 2]),
        ({"fixed": 2.0}, []),
        ("minimum_error", []),  # too few to be two populations
        ("uppermost", []),
    ],
)
def test_cuts_by_hand(cut, numbers):
    assert kept(SURE, cut).tolist() == numbers


def test_minimum_error_keeps_the_upper_population():
    sure = torch.cat([torch.linspace(0, 0.4, 90), torch.linspace(0.9, 1, 10)])[torch.randperm(100)]
    assert sorted(sure[kept(sure, "minimum_error")].tolist()) == pytest.approx(torch.linspace(0.9, 1, 10).tolist())


def test_uppermost_keeps_the_third_population():
    sure = torch.cat([torch.linspace(0, 0.4, 900), torch.linspace(1.2, 1.4, 90), torch.linspace(1.9, 2, 10)])
    sure = sure[torch.randperm(1000)]
    assert len(kept(sure, "minimum_error")) == 100
    assert sorted(sure[kept(sure, "uppermost")].tolist()) == pytest.approx(torch.linspace(1.9, 2, 10).tolist())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cut": "otsu"}, "cut: expected minimum_error, uppermost, all, nothing, "),
        ({"cut": {"share": 1.5}}, "cut: expected a share from 0 to 1, not 1.5"),
        ({"cut": {"share": 0.5, "fixed": 1.0}}, "cut: expected minimum_error"),
        ({"cut": {"fixed": float("nan")}}, "cut: expected a number for fixed, not NaN"),
        ({"cut": {"best": 1.0}}, "cut: expected minimum_error"),
        ({"confidence": "otsu"}, "confidence: expected"),
        ({"control": "halves"}, "control: expected"),
        ({"temperature": 0.0}, "temperature: expected a number above 0, not 0.0"),
    ],
)
def test_a_wrong_option_is_named(options, words):
    with pytest.raises(ComponentError, match=words):
        Registry.discover().create("rehearsal", "unanswered_questions", **options)


@pytest.mark.parametrize(
    "row",
    [
        {"head": ["e1"], "relation": "r17", "tail": ["e99"]},
        {"head": ["e1"], "relation": "r17"},
        {"head": 3, "relation": "r17", "tail": ["e1"]},
        {"head": ["e1"], "relation": ["r17"], "tail": ["e1"]},
    ],
)
def test_a_row_of_another_task_is_named(row):
    with pytest.raises(DataError, match="rehearsed row 0: no question and answer of this task"):
        unanswered_questions().extend(task(), [row])


class TestExtendedContract(DatasetContract):
    def make(self):
        asker = unanswered_questions(cut={"share": 0.3})
        return asker.extend(task(), asker(objective(), task()).rows)
