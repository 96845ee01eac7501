"""``generation``: the model answers, token by token, and its answers are judged."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from jepa_core import ComponentError, EvaluationContext, SampleSet, Samples, hookimpl
from jepa_plugins.text.answers import Answer, Question, answer_all, examples, metrics
from jepa_plugins.text.generation import end_tokens
from jepa_plugins.text.prompt_to_answer import prefix_of
from jepa_plugins.text.scoring.scorers import make_scorer
from jepa_plugins.text.tags import Tag
from jepa_plugins.text.text_set import TextSet

#: Samples whose prompts are read at once.
PART = 512


class GeneratedAnswers:
    """Generates an answer to every prompt of a set, greedily, and judges it by content, stopping and length.

    scorer: what right means; max_new_tokens: at most so many in an answer; limit: only the first so many of a set;
    shown: answers of each kind that are kept as examples, by set, in `examples`.
    """

    def __init__(
        self,
        context: EvaluationContext,
        scorer: str | dict[str, Any],
        max_new_tokens: int,
        limit: int | None,
        shown: int,
    ):
        self.objective, self.data = context.objective, context.data
        self.scorer, self.max_new_tokens, self.limit, self.shown = scorer, max_new_tokens, limit, shown
        self.examples: dict[str, list[dict[str, Any]]] = {}

    @cached_property
    def tokenizer(self) -> Any:
        """The tokenizer of the data, from the files that are kept beside the model."""
        from transformers import AutoTokenizer

        with tempfile.TemporaryDirectory() as folder:
            for name, content in self.data.tokenizer_files.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
            return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)

    def __call__(self, name: str, samples: SampleSet, batch_size: int) -> dict[str, Any]:
        """``gen_exact``, ``gen_first_line``, ``gen_starts_with``, ``gen_contains``, the scorer's own name,
        ``gen_content``, ``gen_stopped``, ``gen_content_and_stopped``, ``gen_length_ratio`` and the shares of answers that
        are too long, too short, and that the scorer could not judge."""
        answers = self.answers(samples, batch_size)
        self.examples[name] = examples(answers, self.shown)
        found = metrics(answers)
        return {f"gen_{key}": value for key, value in found.items()}

    def answers(self, samples: SampleSet, batch_size: int) -> list[Answer]:
        """Every answer, in the order of the set."""
        if not isinstance(samples, TextSet):
            raise ComponentError("generation needs sets of conversations, as 'data: {name: messages, …}' gives them")
        vocabulary, model = self.data.vocabulary, self.objective.model
        ends = end_tokens(model, self.tokenizer, vocabulary.marked.get("stop_ids", ()))
        return answer_all(
            model,
            self._questions(samples),
            lambda ids: self.tokenizer.decode(ids, skip_special_tokens=True),
            ends,
            self.scorer,
            self.max_new_tokens,
            min(batch_size, 128),
            never=vocabulary.pred_ids,
        )

    def _questions(self, samples: TextSet) -> list[Question]:
        count = len(samples) if self.limit is None else min(self.limit, len(samples))
        found = []
        for start in range(0, count, PART):
            rows = range(start, min(start + PART, count))
            batch = Samples.of_batch(samples.__getitems__(rows))
            for row, ids, before in zip(rows, batch.ids, opened(batch), strict=True):
                own = ids[before].tolist()
                words = self.tokenizer.decode(own, skip_special_tokens=True)
                found.append(Question(own, words, samples.answer(row)))
        return found


def opened(samples: Samples) -> Tensor:
    """``b s`` bool: the conversation up to where the last answer begins, with what the template opens its turn with."""
    place = torch.arange(samples.ids.shape[1])
    after = ~prefix_of(samples)
    answer = after & ((samples.tags == Tag.ASSISTANT) | (samples.tags == Tag.END))
    first = place.where(answer, samples.ids.shape[1]).amin(dim=1, keepdim=True)
    return samples.valid & (place < first)


def generation(
    context: EvaluationContext,
    scorer: str | dict[str, Any] = "exact",
    max_new_tokens: int = 128,
    limit: int | None = None,
    shown: int = 5,
) -> GeneratedAnswers:
    """Let the model answer, greedily, and judge its answers by content, stopping and length.

    scorer: what right means: exact, first_line, starts_with, contains, number, regex_equivalence or sql_execution, with
    options as {name: …, option: …}; max_new_tokens: of an answer; limit: only the first so many samples of a set;
    shown: how many answers of each kind are kept as examples.
    """
    for name, value in (("max_new_tokens", max_new_tokens), ("limit", limit)):
        if value is not None and value < 1:
            raise ComponentError(f"{name}: expected 1 or more, not {value}")
    make_scorer(scorer)  # what it refuses is told now, not after training
    return GeneratedAnswers(context, scorer, max_new_tokens, limit, shown)


@hookimpl
def jepa_evaluations() -> Mapping[str, object]:
    return {"generation": generation}
