"""``kge``: rehearses what a knowledge-graph embedding of pykeen's is sure of, in the place of the predictor.

    pip install -c constraints.txt -e '.[kge]'
    jepa-run rehearsal --plugin examples/kge/kge.py rehearsal.asker=kge training.max_steps=1 \
        rehearsal.objective.ntp_detach=null output_dir=runs/kge

The model is trained on the training facts alone, by number: it never sees a name. Everything after that, the questions,
the cut, the rows and the rehearsing, is as in ``unanswered_questions``.

Axes: ``f`` facts, ``q`` questions, ``m`` entities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from jepa_core import ComponentError, JepaObjective, Rehearsed, TaskData, hookimpl
from jepa_plugins.facts.confidence import Answers
from jepa_plugins.facts.known import NumberedFacts
from jepa_plugins.facts.rehearsal import UnansweredQuestions, as_rows, kept
from jepa_plugins.facts.roles import Role
from jepa_plugins.facts.unanswered import Unanswered
from jepa_plugins.facts.vocabulary import Vocabulary

Cut = str | dict[str, float]
#: Questions scored at once.
_PART = 1024


@dataclass(frozen=True)
class KnowledgeGraphEmbedding:
    """Trains an embedding of entities and relations to answer, and asks it; the learned objective is not looked at."""

    model: Literal["RESCAL", "ComplEx"]
    dim: int
    epochs: int
    learning_rate: float
    weight_decay: float
    batch_size: int
    cut: Cut
    seed: int

    def __call__(self, objective: JepaObjective, data: TaskData) -> Rehearsed:
        vocabulary, asked = Vocabulary.of(data.vocabulary), Unanswered.of(data.train)
        model = self._trained(numbered(data.train.__getitems__(range(len(data.train))), asked), asked)
        answers = first_answers(model, torch.stack([asked.heads, asked.relations], dim=1))
        rows = as_rows(asked, answers, kept(answers.confidence, self.cut), vocabulary)
        read = {"training facts read": asked.facts, "entities": len(asked.entities)}
        return Rehearsed(rows, {**read, "relations": len(asked.relation_ids), "questions asked": len(asked)})

    def extend(self, data: TaskData, rows: Sequence[Mapping[str, Any]]) -> TaskData:
        return UnansweredQuestions("cosine", "all", 0.1).extend(data, rows)

    def _trained(self, facts: Tensor, asked: Unanswered) -> Any:
        """Trains pykeen's model to pick each fact's tail among all entities (softmax, AdamW)."""
        try:
            from pykeen import models
            from pykeen.nn.init import xavier_normal_
            from pykeen.regularizers import NoRegularizer
            from pykeen.training import LCWATrainingLoop
            from pykeen.triples import CoreTriplesFactory
        except ImportError as error:
            raise ComponentError("needs pykeen: pip install 'jepa-core[kge]'") from error
        sizes = {"num_entities": len(asked.entities), "num_relations": len(asked.relation_ids)}
        factory = CoreTriplesFactory.create(mapped_triples=facts, **sizes)
        options: dict[str, Any] = {"embedding_dim": self.dim, "loss": "crossentropy", "random_seed": self.seed}
        options["regularizer"] = NoRegularizer()
        if self.model == "RESCAL":  # which starts from numbers between 0 and 1 otherwise
            options |= {"entity_initializer": xavier_normal_, "relation_initializer": xavier_normal_}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            model = getattr(models, self.model)(triples_factory=factory, **options)
            decay = {"weight_decay": self.weight_decay, "decoupled_weight_decay": True}  # AdamW
            optimizer = torch.optim.Adam(model.get_grad_params(), lr=self.learning_rate, **decay)
            loop = LCWATrainingLoop(model=model, triples_factory=factory, optimizer=optimizer)
            loop.train(factory, num_epochs=self.epochs, batch_size=self.batch_size, use_tqdm=False)
        return model.eval()


def numbered(batch: Mapping[str, Tensor], asked: Unanswered) -> Tensor:
    """Numbers head, relation and tail of each fact: ``f 3``."""
    from jepa_core import Samples

    facts = Samples(batch["input_ids"], batch["tags"])
    triples = NumberedFacts.of(facts, asked.entities)
    relations = torch.searchsorted(asked.relation_ids, facts.ids[facts.tags == Role.RELATION])
    return torch.stack([triples.heads, relations, triples.tails], dim=1)


@torch.no_grad()
def first_answers(model: Any, questions: Tensor) -> Answers:
    """Finds the entity that comes first for each question ``q 2``, and its score."""
    tops = [model.predict_t(part).max(dim=1) for part in questions.split(_PART)]
    scores, entities = (torch.cat([top[i] for top in tops]) for i in (0, 1))
    return Answers(entities, scores)


def kge(
    model: Literal["RESCAL", "ComplEx"] = "RESCAL",
    dim: int = 64,
    epochs: int = 40,
    learning_rate: float = 0.01,
    weight_decay: float = 1.0,
    batch_size: int = 512,
    cut: Cut = "minimum_error",
    seed: int = 0,
) -> KnowledgeGraphEmbedding:
    """Turns what a knowledge-graph embedding, trained on the training facts, is sure of into facts.

    model, dim: pykeen's; how sure it is: the score of its first answer. cut: as of unanswered_questions.
    """
    return KnowledgeGraphEmbedding(model, dim, epochs, learning_rate, weight_decay, batch_size, cut, seed)


@hookimpl
def jepa_rehearsals() -> Mapping[str, object]:
    return {"kge": kge}
