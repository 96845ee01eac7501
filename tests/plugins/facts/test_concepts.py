"""Concept evaluation: against a slow loop over questions, and by hand on a task of a few facts."""

from dataclasses import replace

import pytest
import torch

from jepa_core.errors import ComponentError
from jepa_core.evaluation.evaluate import EvaluationContext
from jepa_core.samples.samples import Samples
from jepa_core.testing import EvaluationContract
from jepa_plugins.facts.concepts import ConceptEvaluation, ranks
from jepa_plugins.facts.concepts import concepts as registered
from jepa_plugins.facts.question_to_entity import QuestionToEntity
from jepa_plugins.facts.roles import Role
from jepa_plugins.facts.task import fact_task
from jepa_plugins.last_token import LastToken
from tests.support import MASK_ID, PAD_ID, small_model, small_objective, small_set
from tests.support import vocabulary as make_vocabulary

VOCABULARY = make_vocabulary({"<mask>": MASK_ID, "<pad>": PAD_ID}, (), MASK_ID, PAD_ID)

#: Samples (head, relation, tail): entity 1 has two partners by different relations, and one that asks for it.
TRAIN = [
    ([1, 2], 17, MASK_ID, [3], "train"),
    ([1, 2], 19, MASK_ID, [4, 5], "train"),
    ([6], 17, MASK_ID, [1, 2], "atomic"),
    ([6], 19, MASK_ID, [3], "train"),
    ([6], 19, MASK_ID, [8], "train"),
]
TEST = [([1, 2], 18, MASK_ID, [6], "test"), ([6], 19, MASK_ID, [7], "test")]


def objective(seed: int = 0):
    extractors = (LastToken(tag=Role.MASK), LastToken(layer=1))
    return small_objective(small_model(seed=seed), k=0, reversal=QuestionToEntity(), embedding=extractors)


def concepts(made) -> ConceptEvaluation:
    return registered(EvaluationContext(made, fact_task(small_set(TRAIN), {"test": small_set(TEST)}, VOCABULARY)))


def one(ids: list[int], tags: list[int]) -> Samples:
    return Samples(torch.tensor([ids]), torch.tensor([tags]))


def slow(made, samples) -> dict[str, float]:
    """A loop over questions and entities, one model call each."""
    facts = [(tuple(h), r, tuple(t)) for h, r, _, t, _ in TRAIN + TEST]
    trained = [(tuple(h), r, tuple(t)) for h, r, _, t, _ in TRAIN]
    names = sorted({name for h, _, t in facts for name in (h, t)})
    states = {name: made.embed(one(list(name), [4] * len(name)), "target")[0] for name in names}
    sums = dict.fromkeys(("mrr", "hits@1", "hits@3", "other_relation", "other_partner", "unrelated"), 0.0)
    for head, relation, _, tail, _ in samples:
        head, tail = tuple(head), tuple(tail)
        asked = made.embed(one([*head, relation, MASK_ID], [1] * len(head) + [2, 3]), "source")[0]
        others = {t for h, r, t in facts if (h, r) == (head, relation)} - {tail}
        scores = {name: torch.cosine_similarity(asked, states[name], dim=0) for name in names if name not in others}
        rank = 1 + sum(bool(score > scores[tail]) for score in scores.values())
        best = max(scores, key=lambda name: float(scores[name]))
        sums["mrr"] += 1 / rank
        sums["hits@1"] += rank <= 1
        sums["hits@3"] += rank <= 3
        if best != tail:
            answers, askers = {t for h, _, t in trained if h == head}, {h for h, _, t in trained if t == head}
            kind = "other_relation" if best in answers else "other_partner" if best in askers else "unrelated"
            sums[kind] += 1
    return {name: value / len(samples) for name, value in sums.items()}


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("samples", [TRAIN, TEST])
def test_equals_the_slow_loop(seed, samples):
    made = objective(seed)
    found = concepts(made)("test", small_set(samples), batch_size=2)
    with torch.no_grad():
        expected = slow(made, samples)
    for name, value in expected.items():
        key = f"concept_{name}" if name[:1] in "mh" else f"concept_error_{name}"
        assert found[key] == pytest.approx(value), key


def test_the_slow_loop_sees_every_kind_of_error():
    """Else the comparison above would prove less than it says."""
    with torch.no_grad():
        found = [slow(objective(seed), TRAIN + TEST) for seed in range(6)]
    assert all(sum(each[kind] for each in found) for kind in ("other_relation", "other_partner", "unrelated"))


def test_reference_lines_by_hand():
    """Six entities. (1 2, 18, ?) has 6 candidates, and partners 3, (4 5), 6: the right one is among 3. (6, 19, ?)
    has 3 and 8 left out, so 4 candidates, and of the partners (1 2) alone is left: 7 is among the other 3."""
    found = concepts(objective())("test", small_set(TEST))
    assert found["concept_candidates"] == 6
    chance = (1 + 1 / 2 + 1 / 3 + 1 / 4 + 1 / 5 + 1 / 6) / 6, (1 + 1 / 2 + 1 / 3 + 1 / 4) / 4
    blind = (1 + 1 / 2 + 1 / 3) / 3, (1 / 2 + 1 / 3 + 1 / 4) / 3
    assert found["concept_chance_mrr"] == pytest.approx(sum(chance) / 2)
    assert found["concept_blind_mrr"] == pytest.approx(sum(blind) / 2)
    assert found["concept_chance_hits@1"] == pytest.approx((1 / 6 + 1 / 4) / 2)
    assert found["concept_blind_hits@1"] == pytest.approx((1 / 3 + 0) / 2)
    assert found["concept_blind_hits@3"] == pytest.approx((1 + 2 / 3) / 2)


def test_errors_and_hits_make_up_all_answers():
    found = concepts(objective())("test", small_set(TRAIN))
    kinds = ("concept_error_other_relation", "concept_error_other_partner", "concept_error_unrelated")
    assert found["concept_hits@1"] + sum(found[kind] for kind in kinds) == pytest.approx(1)


def test_ties_count_half():
    scores = torch.tensor([[1.0, 1.0, 1.0, 0.0], [0.0, 2.0, 1.0, 3.0]])
    own = torch.tensor([[True, False, False, False], [False, True, False, False]])
    assert ranks(scores, own).tolist() == [2.0, 2.0]


def test_mode_stays_as_it_was():
    made = objective().train()
    concepts(made)("test", small_set(TEST))
    assert made.training


def test_a_dataset_has_to_list_its_entities():
    data = replace(fact_task(small_set(TRAIN), {}, VOCABULARY), candidates=None)
    with pytest.raises(ComponentError, match="the dataset lists no entities, so there is nothing to rank"):
        registered(EvaluationContext(objective(), data))


class TestConceptsContract(EvaluationContract):
    def make(self):
        return concepts(objective())

    def sample_set(self):
        return small_set(TRAIN)


def test_padding_of_a_batch_does_not_matter():
    made = objective()
    whole, single = concepts(made)("test", small_set(TRAIN), 16), concepts(made)("test", small_set(TRAIN), 1)
    assert whole == pytest.approx(single)
    assert PAD_ID in small_set(TRAIN).ids  # so there was some
