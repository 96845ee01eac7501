"""Asking a run about facts: ``ask`` of a task of facts.

A question is an entity's name and a relation, ``HEAD RELATION``, in the words or tokens of the data. Where the
composition predicts entities, every entity is ranked by its cosine with the objective's prediction; elsewhere the
model spells the answer.

Axes: ``q`` questions, ``m`` entities, ``s`` tokens of a question, ``v`` vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import normalize

from jepa_core import Answer, Asker, DataError, Found, JepaObjective, Manner, Samples, TaskData, did_you_mean
from jepa_core.model.tokenizer import tokenizer_from
from jepa_core.objective.candidate_states import candidate_states
from jepa_plugins.facts.entities import facts_of
from jepa_plugins.facts.joined_set import of_data, of_group
from jepa_plugins.facts.plain_answers import question_ids
from jepa_plugins.facts.question_to_entity import QuestionToEntity
from jepa_plugins.facts.roles import Role, SampleType, from_spans
from jepa_plugins.facts.vocabulary import Vocabulary
from jepa_plugins.text.generation import generate

Ids = tuple[int, ...]
BY_OBJECTIVE = "the objective, among all entities; confidence is the cosine"
BY_MODEL = "the model's own tokens, greedily; confidence is their probability"


def ask(data: TaskData, objective: JepaObjective, manner: Manner) -> Asker:
    """Makes the asker that answers questions about the facts of `data`."""
    return _Facts(data, objective, manner)


class _Facts:
    def __init__(self, data: TaskData, objective: JepaObjective, manner: Manner):
        self.data, self.objective, self.manner = data, objective, manner
        self.vocabulary = Vocabulary.of(data.vocabulary)

    @torch.no_grad()
    def __call__(self, questions: Sequence[str]) -> list[Answer]:
        if not questions:
            return []
        spans = [self._read(question) for question in questions]
        asked = from_spans([[head, [relation], [self.vocabulary.mask_id], []] for head, relation in spans], 0)
        predicts = isinstance(self.objective.spec.terms[0].reversal, QuestionToEntity)
        by_objective = predicts and not self.manner.plain
        found = self._ranked(asked) if by_objective else self._spelled(asked)
        through = BY_OBJECTIVE if by_objective else BY_MODEL
        return [Answer(text, each, through) for text, each in zip(questions, found, strict=True)]

    def _ranked(self, asked: Samples) -> list[tuple[Found, ...]]:
        question = normalize(self.objective.predict(asked).float(), dim=-1)
        scores = (question @ self._bank.T).cpu()  # q m
        return [self._listed(row, stated) for row, stated in zip(scores, stated_answers(self.data, asked), strict=True)]

    def _listed(self, scores: Tensor, stated: Mapping[Ids, str]) -> tuple[Found, ...]:
        """Lists the first entities, followed by the answers that the data state, wherever they rank."""
        order = scores.argsort(descending=True, stable=True).tolist()
        ranks = {entity: place for place, entity in enumerate(order, start=1)}
        kept = dict.fromkeys([*order[: self.manner.count], *(e for e in order if self._entities[e] in stated)])
        return tuple(self._found(self._entities[e], stated, ranks[e], float(scores[e])) for e in kept)

    def _spelled(self, asked: Samples) -> list[tuple[Found, ...]]:
        """Lets the model write each answer; names have no end mark, so the longest beginning that is a name counts."""
        prompts = [ids[valid].tolist() for ids, valid in zip(asked.ids, asked.valid, strict=True)]
        longest = max(map(len, self._entities))
        vocabulary, names = self.vocabulary, self._known
        written = generate(self.objective.model, prompts, [vocabulary.pad_id], longest, never=vocabulary.pred_ids)
        found: list[tuple[Found, ...]] = []
        for prompt, each, stated in zip(prompts, written, stated_answers(self.data, asked), strict=True):
            beginnings = [tuple(each.ids[:length]) for length in range(len(each.ids), 0, -1)]
            name = next((ids for ids in beginnings if ids in names), tuple(each.ids))
            found.append((self._found(name, stated, None, self._probability(prompt, name)),))
        return found

    def _probability(self, prompt: Sequence[int], answer: Ids) -> float:
        model = self.objective.model
        ids = torch.tensor([[*prompt, *answer]], device=next(model.parameters()).device)
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits[0, len(prompt) - 1 : -1]
        return float(logits.float().log_softmax(dim=-1).gather(1, ids[0, len(prompt) :, None]).sum().exp())

    def _found(self, ids: Ids, stated: Mapping[Ids, str], rank: int | None, confidence: float) -> Found:
        note = stated.get(ids, "" if ids in self._known else "no entity of the data")
        return Found(self._text(ids), rank, confidence, note)

    def _read(self, question: str) -> tuple[Ids, int]:
        """Reads the head's tokens and the relation out of a question. Raises DataError naming an unknown one."""
        text = " ".join(question.replace(" | ", " ").removesuffix("?").split()).removesuffix(" <mask>")
        names = {name: relation for name, relation in self._relations.items() if text.endswith(f" {name}")}
        if not names:
            last = text.rpartition(" ")[2]
            known = ", ".join(sorted(name for name in self._relations if name.startswith("<"))[:12])
            close = did_you_mean(last, self._relations)
            raise DataError(f"'{question}': expected an entity, then a relation, one of {known}{close}")
        name = max(names, key=len)
        head = text.removesuffix(name).strip()
        if head not in self._by_name:
            raise DataError(f"'{question}': no entity is called '{head}'{did_you_mean(head, self._by_name)}")
        return self._by_name[head], names[name]

    @cached_property
    def _relations(self) -> dict[str, int]:
        """Name -> relation id, with and without the token's brackets."""
        tokens = {self.vocabulary.name(i): i for i in self.vocabulary.relation_ids}
        return {token.strip("<>"): i for token, i in tokens.items()} | tokens

    @cached_property
    def _entities(self) -> list[Ids]:
        if self.data.candidates is None:
            raise DataError("this dataset lists no entities, so nothing can be asked")
        samples = self.data.candidates().samples
        return [tuple(ids[valid].tolist()) for ids, valid in zip(samples.ids, samples.valid, strict=True)]

    @cached_property
    def _known(self) -> frozenset[Ids]:
        return frozenset(self._entities)

    @cached_property
    def _by_name(self) -> dict[str, Ids]:
        return {self._text(ids): ids for ids in self._entities}

    @cached_property
    def _bank(self) -> Tensor:
        """The states ``m d`` of all entities, of length 1."""
        assert self.data.candidates is not None  # `_entities` has refused it
        return normalize(candidate_states(self.objective.embed, self.data.candidates().samples).float(), dim=-1)

    @cached_property
    def _tokenizer(self) -> Any:
        files = self.data.tokenizer_files
        if "tokenizer.json" not in files:
            return None
        return tokenizer_from(files)

    def _text(self, ids: Ids) -> str:
        words = " ".join(map(self.vocabulary.name, ids))
        return words if self._tokenizer is None else str(self._tokenizer.decode(list(ids))).strip()


def stated_answers(data: TaskData, asked: Samples) -> list[dict[Ids, str]]:
    """Finds the stated answers of each question, with where they come from: ``trained``, ``held out`` or
    ``rehearsed`` (no fact of the data)."""
    asked_ids = question_ids(asked)
    wanted = asked_ids.tolist()
    found: dict[int, dict[Ids, str]] = {number: {} for number in wanted}
    rehearsed = of_group(data.train, SampleType.REHEARSED)
    told = (("trained", [of_data(data.train)]), ("held out", data.evaluation.values()), ("rehearsed", rehearsed))
    for note, sets in told:
        for facts in facts_of(sets):
            numbers = question_ids(facts)
            for row in torch.isin(numbers, asked_ids).nonzero().flatten().tolist():
                tail = tuple(facts.ids[row][facts.tags[row] == Role.TAIL].tolist())
                found[int(numbers[row])].setdefault(tail, note)
    return [found[number] for number in wanted]
