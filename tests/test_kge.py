"""The example that rehearses what a knowledge-graph embedding is sure of."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest
import torch

from jepa_plugins.facts.generate import generate_task
from jepa_plugins.facts.task import fact_task
from jepa_plugins.facts.task_size import TaskSize
from jepa_plugins.facts.unanswered import Unanswered
from tests.support import MASK_ID, SAMPLES, small_set, vocabulary

SPEC = importlib.util.spec_from_file_location("kge", Path(__file__).parents[1] / "examples" / "kge" / "kge.py")
assert SPEC is not None
example = importlib.util.module_from_spec(SPEC)
sys.modules["kge"] = example  # a dataclass looks its module up
SPEC.loader.exec_module(example)  # type: ignore[union-attr]


def test_facts_as_numbers():
    asked = Unanswered.of(small_set())
    names = [
        tuple(ids[v].tolist()) for ids, v in zip(asked.entities.samples.ids, asked.entities.samples.valid, strict=True)
    ]
    found = example.numbered(small_set().__getitems__(range(5)), asked).tolist()
    told = [(names[h], int(asked.relation_ids[r]), names[t]) for h, r, t in found]
    assert told == [(tuple(h), r, tuple(t)) for h, r, _, t, _ in SAMPLES]


def test_how_sure_it_is(monkeypatch):
    """The score of the first entity; asked part by part."""

    class Model:
        def predict_t(self, questions):
            return torch.tensor([[0.0, 3.0, 1.0], [5.0, 2.0, 4.5]])[questions[:, 0]]

    monkeypatch.setattr(example, "_PART", 2)
    answers = example.first_answers(Model(), torch.tensor([[0, 0], [1, 0], [0, 1]]))
    assert (answers.tails.tolist(), answers.confidence.tolist()) == ([1, 0, 1], [3.0, 5.0, 3.0])


@pytest.mark.skipif(importlib.util.find_spec("pykeen") is None, reason="needs the extra kge")
def test_what_it_learned_it_answers_and_random_numbers_stay_as_they_were():
    task = generate_task(TaskSize(16, 4, 1, None), seed=1)
    before = torch.random.get_rng_state()
    found = example.kge(dim=8, epochs=2, cut={"share": 0.25})(None, task)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert found.counts == {"training facts read": 18, "entities": 20, "relations": 2, "questions asked": 40 - 18}
    assert len(found.rows) == 6
    assert len(example.kge().extend(task, found.rows).train) == 18 + 6
    ring = [([i], 17, MASK_ID, [(i + 1) % 6], "train") for i in range(6)] + [([6], 17, MASK_ID, [6], "train")]
    names = {f"e{i}": i for i in range(7)} | {"<mask>": MASK_ID, "r17": 17, "r18": 18, "<pad>": 23}
    knows = fact_task(
        small_set([*ring, ([6], 18, MASK_ID, [6], "train")]), {}, vocabulary(names, (17, 18), MASK_ID, 23)
    )
    asker = example.kge(dim=8, epochs=80, learning_rate=0.05, weight_decay=0.0)
    asked = Unanswered.of(knows.train)
    facts = example.numbered(knows.train.__getitems__(range(8)), asked)
    model = asker._trained(facts, asked)
    assert torch.equal(example.first_answers(model, facts[:, :2]).tails, facts[:, 2])
