"""``unanswered_questions``: the predictor's sure answers to questions that no training fact answers become facts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from torch import Tensor

from jepa_core import ComponentError, DataError, JepaObjective, Rehearsed, TaskData, hookimpl
from jepa_core.samples.samples import Samples
from jepa_plugins.facts.confidence import Answers, Asking, Confidence
from jepa_plugins.facts.fact_set import FactSet
from jepa_plugins.facts.joined_set import JoinedSet
from jepa_plugins.facts.minimum_error import minimum_error, uppermost
from jepa_plugins.facts.roles import SampleType, from_spans
from jepa_plugins.facts.unanswered import Unanswered
from jepa_plugins.facts.vocabulary import Vocabulary

CAPTION = "what the learned predictor answered and was sure of, no fact of the data"
POPULATIONS = {"minimum_error": minimum_error, "uppermost": uppermost}
CUTS = (*POPULATIONS, "all", "nothing")
Control = Literal["shuffled", "half"]


@dataclass(frozen=True)
class UnansweredQuestions:
    """Asks every question of the training facts' entities and relations that no training fact answers.

    Only the training set is read. The predictor decides on the answers, the cut on the number of rows kept.
    """

    confidence: Confidence
    cut: str | Mapping[str, float]
    temperature: float
    control: Control | None = None

    def __call__(self, objective: JepaObjective, data: TaskData) -> Rehearsed:
        vocabulary = Vocabulary.of(data.vocabulary)
        asked = Unanswered.of(data.train)
        if self.control == "half":
            asked = asked.half()
        answers = Asking(objective, asked, vocabulary.mask_id).answers(self.confidence, self.temperature)
        numbers = kept(answers.confidence, self.cut)
        if self.control == "shuffled":
            answers = shuffled(answers, numbers)
        rows = as_rows(asked, answers, numbers, vocabulary)
        read = {"training facts read": asked.facts, "entities": len(asked.entities)}
        counts = {**read, "relations": len(asked.relation_ids), "questions asked": len(asked)}
        return Rehearsed(rows, counts, "" if rows else self._advice())

    def _advice(self) -> str:
        """Names what tells more kinds of answers apart, where two populations were looked for in vain."""
        found_more = (self.confidence, self.cut) == ("cosine_and_back", "uppermost")
        if found_more or not isinstance(self.cut, str) or self.cut not in POPULATIONS:
            return ""
        return "try rehearsal.asker.confidence=cosine_and_back rehearsal.asker.cut=uppermost"

    def extend(self, data: TaskData, rows: Sequence[Mapping[str, Any]]) -> TaskData:
        """Adds the rows to the task as facts of a group of their own, numbered after all others."""
        sets = (data.train, *data.evaluation.values())
        train = data.train
        if not isinstance(train, FactSet) or not all(isinstance(each, FactSet) for each in sets):
            raise ComponentError("the dataset is not one of facts, so no question can be asked of it")
        if not rows:
            return data
        vocabulary = Vocabulary.of(data.vocabulary)
        after = max(each.first_index + len(each) for each in sets if isinstance(each, FactSet))
        types = torch.full((len(rows),), int(SampleType.REHEARSED))
        rehearsed = FactSet(_facts(rows, vocabulary), types, after)
        joined = JoinedSet(train, rehearsed, vocabulary.pad_id)
        return replace(data, train=joined, captions={**data.captions, "rehearsed": CAPTION})


def kept(confidence: Tensor, cut: str | Mapping[str, float]) -> Tensor:
    """The numbers of the answers to keep, the surest first. confidence: ``q``."""
    order = confidence.argsort(descending=True, stable=True)
    if cut in ("all", "nothing"):
        return order if cut == "all" else order[:0]
    if isinstance(cut, Mapping) and "share" in cut:
        return order[: round(cut["share"] * len(order))]
    least = cut["fixed"] if isinstance(cut, Mapping) else POPULATIONS[cut](confidence)
    return order[:0] if least is None else order[confidence[order] >= least]


def shuffled(answers: Answers, numbers: Tensor) -> Answers:
    """Shuffles the answers of these numbers, in the same way in every run, so that they mean nothing."""
    order = torch.randperm(len(numbers), generator=torch.Generator().manual_seed(0))
    return answers._replace(tails=answers.tails.index_copy(0, numbers, answers.tails[numbers[order]]))


def as_rows(asked: Unanswered, answers: Answers, numbers: Tensor, vocabulary: Vocabulary) -> list[dict[str, Any]]:
    """Makes rows to write down of the questions of these numbers and their answers."""
    return [_row(asked, answers, int(number), vocabulary) for number in numbers]


def _row(asked: Unanswered, answers: Answers, number: int, vocabulary: Vocabulary) -> dict[str, Any]:
    """Makes a row with the names of its tokens."""
    names = asked.entities.samples
    spans = [names.ids[entity][names.valid[entity]].tolist() for entity in (asked.heads[number], answers.tails[number])]
    head, tail = ([vocabulary.name(token) for token in span] for span in spans)
    relation = vocabulary.name(int(asked.relation_ids[asked.relations[number]]))
    return {"head": head, "relation": relation, "tail": tail, "confidence": float(answers.confidence[number])}


def _facts(rows: Sequence[Mapping[str, Any]], vocabulary: Vocabulary) -> Samples:
    """Turns rows into facts. Raises DataError naming a row with a token that the task does not have."""
    ids, spans = vocabulary.token_to_id, []
    for number, row in enumerate(rows):
        try:
            head, tail = ([ids[name] for name in row[side]] for side in ("head", "tail"))
            spans.append([head, [ids[row["relation"]]], [vocabulary.mask_id], tail])
        except (KeyError, TypeError) as error:
            raise DataError(f"rehearsed row {number}: no question and answer of this task: {error}") from error
    return from_spans(spans, vocabulary.pad_id)


def unanswered_questions(
    confidence: Confidence = "cosine_and_back",
    cut: str | dict[str, float] = "minimum_error",
    temperature: float = 0.1,
    control: Control | None = None,
) -> UnansweredQuestions:
    """Puts every question that no training fact answers to the predictor; the answers it is sure of become facts.

    confidence: the cosine of the prediction with the answer's state (cosine); that plus the best cosine of the way
    back, from the answer to the head by any relation (cosine_and_back); the answer's share of
    softmax(cosine / temperature) (probability); the first's lead over the second (margin). cut: the answers kept.
    minimum_error: the upper of two populations of confidence, nothing where there are no two; uppermost: the same,
    and the upper of what is above that cut in turn, while those are two; {share: S}: the surest share S; {fixed: C}:
    those of at least confidence C; all; nothing. control: a run to compare with. shuffled: the answers kept change
    places among their questions; half: only one of two fixed halves of the questions is asked.
    """
    _refuse(cut)
    if not 0 < temperature < float("inf"):
        raise ComponentError(f"temperature: expected a number above 0, not {temperature}")
    return UnansweredQuestions(confidence, cut, temperature, control)


def _refuse(cut: str | Mapping[str, float]) -> None:
    right = cut in CUTS if isinstance(cut, str) else len(cut) == 1 and set(cut) <= {"share", "fixed"}
    if not right:
        raise ComponentError(f"cut: expected {', '.join(CUTS)}, {{share: S}} or {{fixed: C}}, not {cut!r}")
    if isinstance(cut, Mapping) and math.isnan(cut.get("fixed", 0)):
        raise ComponentError("cut: expected a number for fixed, not NaN")
    if isinstance(cut, Mapping) and not 0 <= cut.get("share", 0) <= 1:
        raise ComponentError(f"cut: expected a share from 0 to 1, not {cut['share']}")


@hookimpl
def jepa_rehearsals() -> Mapping[str, object]:
    return {"unanswered_questions": unanswered_questions}
