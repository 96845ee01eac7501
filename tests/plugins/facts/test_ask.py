"""Questions about facts: against a slow loop over entities, and a model that says what it is told."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
from torch.nn.functional import cosine_similarity, one_hot

from jepa_core import DataError, Manner, Samples
from jepa_plugins.facts.joined_set import JoinedSet
from jepa_plugins.facts.parity_reversal import ParityReversal
from jepa_plugins.facts.question_to_entity import QuestionToEntity
from jepa_plugins.facts.roles import Role, from_spans
from jepa_plugins.facts.task import fact_task
from jepa_plugins.last_token import LastToken
from tests.support import MASK_ID, PAD_ID, small_model, small_objective, small_set
from tests.support import vocabulary as make_vocabulary

NAMES = {
    1: "Ada",
    2: "Byron",
    3: "Charles",
    4: "Don",
    5: "Juan",
    6: "Eve",
    18: "<knows>",
    19: "<is known by>",
    20: "<by>",
}
TRAIN = [([1, 2], 18, MASK_ID, [3], "train"), ([1, 2], 18, MASK_ID, [6], "train"), ([4, 5], 19, MASK_ID, [6], "atomic")]
TEST = [([6], 18, MASK_ID, [4, 5], "test")]
TOKENS = {name: number for number, name in NAMES.items()} | {"<mask>": MASK_ID, "<pad>": PAD_ID}
TASK = fact_task(small_set(TRAIN), {"test": small_set(TEST)}, make_vocabulary(TOKENS, (18, 19, 20), MASK_ID, PAD_ID))
ENTITIES = {"Ada Byron": [1, 2], "Charles": [3], "Don Juan": [4, 5], "Eve": [6]}


@pytest.fixture(scope="module")
def objective():
    extractors = (LastToken(tag=Role.MASK), LastToken(layer=1))
    return small_objective(small_model(), k=0, reversal=QuestionToEntity(), embedding=extractors).eval()


class Chain(torch.nn.Module):
    """Writes after each token the one that follows it in `chain`, with a logit of 1 where others have 0."""

    def __init__(self, *chain: int):
        super().__init__()
        self.after = dict(pairwise(chain))
        self.place = torch.nn.Parameter(torch.zeros(1))  # where it is, there its inputs go
        self.config = SimpleNamespace()  # without a word of positions

    def forward(self, input_ids, attention_mask):
        following = torch.tensor([[self.after.get(token, 0) for token in row] for row in input_ids.tolist()])
        return SimpleNamespace(logits=one_hot(following, 50).float())


def speller(*says: int):
    """A composition that predicts no entity, whose model writes these tokens after the mask."""
    reversal = ParityReversal(first_relation_token_id=18, num_relations=2)
    spec = SimpleNamespace(terms=[SimpleNamespace(reversal=reversal)])
    return SimpleNamespace(model=Chain(MASK_ID, *says), spec=spec)


def slow(objective, head: list[int], relation: int) -> list[tuple[str, float]]:
    """Every entity with its cosine, the best first; one model call each."""
    question = objective.predict(from_spans([[head, [relation], [MASK_ID], []]], 0))
    with torch.no_grad():
        found = {
            name: float(cosine_similarity(question, objective.embed(from_spans([[[], [], [], ids]], 0))))
            for name, ids in ENTITIES.items()
        }
    return sorted(found.items(), key=lambda each: -each[1])


@pytest.mark.parametrize(("question", "head", "relation"), [("Ada Byron knows", [1, 2], 18), ("Eve <knows>", [6], 18)])
def test_entities_are_ranked_by_cosine(objective, question, head, relation):
    (answer,) = TASK.ask(TASK, objective, Manner(count=4))([question])
    expected = slow(objective, head, relation)
    assert [found.text for found in answer.found] == [name for name, _ in expected]
    assert [found.rank for found in answer.found] == [1, 2, 3, 4]
    assert [found.confidence for found in answer.found] == pytest.approx([c for _, c in expected], abs=1e-5)


def test_what_the_data_states_is_shown_wherever_it_stands(objective):
    known, held_out = TASK.ask(TASK, objective, Manner(count=1))(["Ada Byron knows", "Eve knows"])
    notes = {found.text: found.note for found in known.found if found.note}
    assert notes == {"Charles": "trained", "Eve": "trained"}
    assert {found.text: found.note for found in held_out.found if found.note} == {"Don Juan": "held out"}
    order = [name for name, _ in slow(objective, [6], 18)]
    assert next(found.rank for found in held_out.found if found.text == "Don Juan") == 1 + order.index("Don Juan")


def test_the_relation_with_the_longest_name_is_meant(objective):
    asked = TASK.ask(TASK, objective, Manner())
    for question in ("Don Juan is known by", "Don Juan | <is known by> ?", "Don Juan <is known by> <mask>"):
        (answer,) = asked([question])
        assert {found.text: found.note for found in answer.found}["Eve"] == "trained"


def test_a_model_that_goes_on_after_a_name(objective):
    (answer,) = TASK.ask(TASK, speller(6, 3), Manner())(["Don Juan is known by"])
    (found,) = answer.found
    assert (found.text, found.rank, found.note) == ("Eve", None, "trained")
    assert found.confidence == pytest.approx(torch.tensor([1.0] + [0.0] * 49).softmax(0)[0].item())  # one logit is 1


def test_a_model_that_writes_no_name():
    (answer,) = TASK.ask(TASK, speller(5, 5), Manner())(["Eve knows"])
    assert (answer.found[0].text, answer.found[0].note) == ("Juan Juan", "no entity of the data")


def test_plain_asks_the_model_alone(objective):
    (answer,) = TASK.ask(TASK, objective, Manner(plain=True))(["Eve knows"])
    assert answer.through.startswith("the model's own tokens")
    assert answer.found[0].rank is None


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Ada Byron", "expected an entity, then a relation, one of <by>, <is known by>, <knows>"),
        ("Ada Byron knws", "did you mean 'knows'?"),
        ("Ada Bryon knows", "no entity is called 'Ada Bryon'; did you mean 'Ada Byron'?"),
        ("knows", "expected an entity"),
        ("", "expected an entity"),
    ],
)
def test_what_can_not_be_read_is_told(objective, question, words):
    with pytest.raises(DataError) as told:
        TASK.ask(TASK, objective, Manner())([question])
    assert words in str(told.value)


def test_no_question_has_no_answer(objective):
    assert TASK.ask(TASK, objective, Manner())([]) == []
    assert isinstance(from_spans([], 0), Samples)


def test_what_was_rehearsed_is_no_fact_of_the_data(objective):
    """One of two rehearsed answers is a held-out fact, and is called that."""
    rows = [([6], 18, MASK_ID, [4, 5], "rehearsed"), ([3], 20, MASK_ID, [1, 2], "rehearsed")]
    data = replace(TASK, train=JoinedSet(TASK.train, small_set(rows), PAD_ID))
    held_out, rehearsed = data.ask(data, objective, Manner(count=1))(["Eve knows", "Charles by"])
    assert {found.text: found.note for found in held_out.found if found.note} == {"Don Juan": "held out"}
    assert {found.text: found.note for found in rehearsed.found if found.note} == {"Ada Byron": "rehearsed"}
