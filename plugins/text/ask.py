"""Asking a run in text: ``ask`` of the dataset ``messages``. The model answers what a person says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from jepa_core import Answer, Asker, DataError, Found, JepaObjective, Manner, TaskData
from jepa_plugins.text.conversation import ASSISTANT, USER, Conversation
from jepa_plugins.text.generation import ends_and_never, generate
from jepa_plugins.text.generation_evaluation import last_answer
from jepa_plugins.text.tally import Tally
from jepa_plugins.text.tokenise import Tokenise

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BY_MODEL = "the model's own tokens, greedily"


def ask(
    tokenise: Tokenise, tokenizer: PreTrainedTokenizerBase, data: TaskData, objective: JepaObjective, manner: Manner
) -> Asker:
    """Makes the asker, which uses the run's template; a plain question is no different, as the model answers alone."""
    names, model = data.vocabulary, objective.model
    ends, never = ends_and_never(model, tokenizer, names)

    def answer(questions: Sequence[str]) -> list[Answer]:
        prompts = prompts_of(tokenise, questions)
        written = generate(model, prompts, ends, manner.max_new_tokens, never=never)
        texts = [tokenizer.decode(each.ids, skip_special_tokens=True) for each in written]
        notes = ["" if each.stopped else f"cut off after {len(each.ids)} tokens" for each in written]
        return [
            Answer(question, (Found(str(text), note=note),), BY_MODEL)
            for question, text, note in zip(questions, texts, notes, strict=True)
        ]

    return answer


def prompts_of(tokenise: Tokenise, questions: Sequence[str]) -> list[list[int]]:
    """The token ids before each answer, as in training. Raises DataError for an empty question."""
    for question in questions:
        if not question.strip():
            raise DataError("expected a question, it is empty")
    # As in training an answer follows; the tokens before it are kept.
    pairs = [Conversation((USER, ASSISTANT), (question, "a")) for question in questions]
    unlimited = replace(tokenise, max_length=None)
    samples = unlimited(pairs, lambda line: "question", Tally())
    return [sample.row.ids[: last_answer(sample.row.tags.tolist())[0]].tolist() for sample in samples]
