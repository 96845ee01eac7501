"""Judging generated answers by content, by whether the model stopped by itself, and by length.

Learning when to stop lifts exact match just as learning the content does. So every answer is judged three times:

- *content*: the scorer calls the answer right, or would if it were cut to the expected length or number of
  lines, as if somebody had told the model when to stop;
- *stopped*: an end token came before the limit;
- *length*: neither over nor under the expected answer's.

With ``exact`` as the scorer, exact match of a stopped answer is all three at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from torch import nn

from jepa_plugins.text.generation import Generated, generate
from jepa_plugins.text.scoring.judgement import Scorer
from jepa_plugins.text.scoring.scorers import PLAIN

#: Scores of every answer, whatever the scorer.
ALWAYS = ("exact", "first_line", "starts_with", "contains")
Kind = Literal["right", "right but ended elsewhere", "wrong"]


@dataclass(frozen=True)
class Question:
    """A prompt, as tokens and in words, with the expected answer."""

    ids: Sequence[int]
    prompt: str
    expected: str


@dataclass(frozen=True)
class JudgedAnswer:
    """A model's answer and its judgement. scores: of :data:`ALWAYS`, and of the scorer.

    right: the scorer's verdict on the answer as it is; content: on the answer with the right end.
    """

    prompt: str
    expected: str
    text: str
    stopped: bool
    right: bool
    content: bool
    why: str
    judged: bool
    scores: dict[str, bool]

    @property
    def length_ratio(self) -> float:
        """The answer's characters over those of the expected one, without white space around both."""
        return len(self.text.strip()) / max(1, len(self.expected.strip()))

    @property
    def kind(self) -> Kind:
        if self.content and not (self.right and self.stopped):
            return "right but ended elsewhere"
        return "right" if self.content else "wrong"


def judge(question: Question, text: str, stopped: bool, name: str, scorer: Scorer) -> JudgedAnswer:
    """Judges one answer."""
    found = scorer(text, question.expected, question.prompt)
    content = bool(found) or any(
        scorer(cut, question.expected, question.prompt) for cut in cuts(text, question.expected)
    )
    scores = {other: bool(PLAIN[other](text, question.expected)) for other in ALWAYS} | {name: bool(found)}
    return JudgedAnswer(
        question.prompt, question.expected, text, stopped, bool(found), content, found.why, found.judged, scores
    )


def cuts(text: str, expected: str) -> set[str]:
    """Cuts the text where the expected answer ends, by characters and by lines; leaves out the text as it is."""
    text, expected = text.strip(), expected.strip()
    lines = text.splitlines()[: len(expected.splitlines())]
    return {text[: len(expected)], "\n".join(lines)} - {text}


def metrics(answers: Sequence[JudgedAnswer]) -> dict[str, float]:
    """Shares of all answers, and their mean length over the expected one's; nothing else where there are none.

    unjudged: answers with an expected one that the scorer can't use; they count as wrong.
    """
    if not answers:
        return {"num_samples": 0}
    shares: dict[str, Iterable[bool]] = {
        **{name: [answer.scores[name] for answer in answers] for name in answers[0].scores},
        "content": [answer.content for answer in answers],
        "stopped": [answer.stopped for answer in answers],
        "content_and_stopped": [answer.right and answer.stopped for answer in answers],
        "too_long": [answer.length_ratio > 1 for answer in answers],
        "too_short": [answer.length_ratio < 1 for answer in answers],
        "unjudged": [not answer.judged for answer in answers],
    }
    means = {name: sum(values) / len(answers) for name, values in shares.items()}
    means["length_ratio"] = sum(answer.length_ratio for answer in answers) / len(answers)
    return {"num_samples": len(answers), **means}


def examples(answers: Sequence[JudgedAnswer], each: int = 5) -> list[dict[str, Any]]:
    """Picks the first few answers of each kind for a report: right, right but ended elsewhere, wrong."""
    kinds: tuple[Kind, ...] = ("right", "right but ended elsewhere", "wrong")
    of_kind = {kind: [answer for answer in answers if answer.kind == kind][:each] for kind in kinds}
    return [{"kind": kind, **asdict(answer)} for kind, some in of_kind.items() for answer in some]


def answer_all(
    model: nn.Module,
    questions: Sequence[Question],
    decode: Callable[[list[int]], str],
    end_ids: Sequence[int],
    scorer: tuple[str, Scorer],
    max_new_tokens: int = 128,
    batch_size: int = 64,
    never: Sequence[int] = (),
    on_batch: Callable[[int], object] = lambda count: None,
) -> list[JudgedAnswer]:
    """Generates an answer to each question and judges it.

    decode: turns token ids into text; scorer: its name and itself; the rest as for generation.
    """
    name, score = scorer
    prompts = [question.ids for question in questions]
    found: list[Generated] = generate(model, prompts, end_ids, max_new_tokens, batch_size, never, on_batch)
    return [
        judge(question, decode(generated.ids), generated.stopped, name, score)
        for question, generated in zip(questions, found, strict=True)
    ]
