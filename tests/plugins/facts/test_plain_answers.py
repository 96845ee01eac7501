"""Answers of the language model alone: as transformers generates from the saved folder."""

import torch
from transformers import AutoModelForCausalLM

from jepa_core.evaluation.evaluate import EvaluationContext
from jepa_core.testing import EvaluationContract
from jepa_plugins.facts.joined_set import JoinedSet
from jepa_plugins.facts.plain_answers import RightNames, plain, question_ids
from jepa_plugins.facts.task import fact_task
from tests.support import MASK_ID, SAMPLES, small_model, small_objective, small_set, vocabulary

NAMES = vocabulary({}, (), MASK_ID, 23)


def taught(samples, steps: int = 60):
    """A model that knows these facts by heart."""
    made = small_objective(small_model(), k=0, lambda_jepa=0.0)
    optimizer = torch.optim.AdamW(made.parameters(), lr=1e-2)
    for _ in range(steps):
        made(**small_set(samples).__getitems__(range(len(samples)))).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return made


def measured(made, samples, batch_size: int = 8) -> float:
    context = EvaluationContext(made, fact_task(small_set(), {}, NAMES))
    return plain(context)("test", small_set(samples), batch_size)["plain_joint_accuracy"]


def test_what_it_was_taught_it_answers_and_the_rest_not():
    made = taught(SAMPLES[:3])
    assert measured(made, SAMPLES[:3]) == 1
    assert measured(made, [([14], 19, MASK_ID, [15, 15, 15], "atomic")]) == 0
    wrong = [([1, 2], 17, MASK_ID, [3, 9], "train")]
    assert measured(made, [SAMPLES[0], *wrong]) == 0.5, "one token right is not an answer"


def test_as_transformers_generates_from_the_saved_folder(tmp_path):
    made = taught(SAMPLES, steps=4)
    made.model.save_pretrained(tmp_path)
    alone = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    right = 0
    for head, relation, mask, tail, _ in SAMPLES:
        ids = torch.tensor([[*head, relation, mask]])
        for _ in tail:
            ids = torch.cat([ids, alone(ids).logits[:, -1].argmax(-1, keepdim=True)], dim=1)
        right += ids[0, -len(tail) :].tolist() == tail
    assert 0 < right < len(SAMPLES)
    assert measured(made, SAMPLES) == right / len(SAMPLES)


def test_nothing_of_the_objective_takes_part():
    """Recall, predictor and masks are the objective's: to generate, nobody calls it."""
    made = taught(SAMPLES[:3], steps=1)
    made.forward = made.plan = made.hidden_states = None  # type: ignore[method-assign, assignment]
    assert 0 <= measured(made, SAMPLES) <= 1


def test_what_was_rehearsed_is_told_apart():
    """Two of four questions were rehearsed, one of them with a wrong answer, and the model was not taught."""
    made, asked = taught(SAMPLES[:3]), [*SAMPLES[:3], SAMPLES[4]]
    rows = [(*SAMPLES[0][:4], "rehearsed"), ([14], 19, MASK_ID, [3], "rehearsed")]
    context = EvaluationContext(made, fact_task(JoinedSet(small_set(SAMPLES[:1]), small_set(rows), 23), {}, NAMES))
    figures = plain(context)("test", small_set(asked), 3)
    assert figures["plain_joint_accuracy"] == 0.75
    assert figures["plain_joint_accuracy_rehearsed"] == 0.5
    assert figures["plain_joint_accuracy_not_rehearsed"] == 1
    only = plain(context)("test", small_set(SAMPLES[:1]), 3)
    assert set(only) == {"plain_joint_accuracy", "plain_joint_accuracy_rehearsed"}, "none was not rehearsed"


def test_mode_stays_as_it_was():
    made = taught(SAMPLES[:3], steps=1).train()
    measured(made, SAMPLES)
    assert made.model.training


class TestPlainContract(EvaluationContract):
    def make(self):
        return plain(EvaluationContext(taught(SAMPLES[:3], 20), fact_task(small_set(), {}, NAMES)))

    def sample_set(self):
        return small_set()


def test_which_answers_count():
    """Training facts answer [1] by 17 with [2] and [3, 4], a held-out one with [5]; two held-out ones answer [6]."""
    trained = [([1], 17, MASK_ID, [2], "train"), ([1], 17, MASK_ID, [3, 4], "train")]
    held_out = [([1], 17, MASK_ID, [5], "test"), *(([6], 17, MASK_ID, [tail], "test") for tail in (7, 8))]
    right = RightNames([small_set(trained)], [small_set(trained[:1]), small_set(held_out)])  # a set asks trained ones
    one, other = (int(question_ids(small_set([facts]).facts)) for facts in (trained[0], held_out[1]))
    assert right.of(one, (2,)) == ({(2,), (3, 4), (5,)}, set()), "a training fact is asked: any right answer counts"
    assert right.of(one, (5,)) == ({(5,)}, {(2,), (3, 4)}), "a held-out one: not what is trained"
    assert right.of(other, (7,)) == ({(7,), (8,)}, set())
    assert right.of(-1, (9,)) == ({(9,)}, set()), "a question of no fact that is known"


def test_any_right_answer_counts_and_those_trained_only_where_they_are_asked():
    """The model answers [1] with [3, 4], in whichever of its facts that is asked."""
    longer, shorter = ([1], 17, MASK_ID, [3, 4], "train"), ([1], 17, MASK_ID, [2], "train")
    made = taught([longer])

    def figures(train, test):
        context = EvaluationContext(made, fact_task(small_set(train), {"test": small_set(test)}, NAMES))
        return plain(context)("test", small_set(test), 3)

    assert figures([longer, shorter], [shorter]) == {"plain_joint_accuracy": 1}
    assert figures([SAMPLES[1]], [shorter, longer]) == {"plain_joint_accuracy": 1}
    assert figures([SAMPLES[1]], [shorter]) == {"plain_joint_accuracy": 0}
    assert figures([longer], [shorter]) == {"plain_joint_accuracy": 0, "plain_trained_answer": 1}
