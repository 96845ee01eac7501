"""``generation``: the model's own answers, judged by content, stopping and length."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from torch import distributed

from jepa_core import EvaluationContext, SampleSet, hookimpl
from jepa_core.distributed import rank_and_world
from jepa_core.errors import ComponentError
from jepa_core.model.tokenizer import tokenizer_from
from jepa_core.objective.objective import JepaObjective
from jepa_core.samples.sample_set import parts_of
from jepa_plugins.text.answers import JudgedAnswer, Question, answer_all, examples, metrics
from jepa_plugins.text.generation import ends_and_never
from jepa_plugins.text.scoring.judgement import Scorer
from jepa_plugins.text.scoring.scorers import make_scorer
from jepa_plugins.text.tags import Tag

#: The beginning of the figures' names.
PREFIX = "generated_"
#: Characters of a text in a table.
LONGEST_SHOWN = 120
WRITTEN = (Tag.ASSISTANT, Tag.END)


class GenerationEvaluation:
    """Asks a set's questions and judges the answers.

    decode: turns token ids into text; ends: ids that end an answer; never: ids that are no text; scorer: its name and
    itself; limit: the number of each set's first samples, None for all; shown: answers of each kind in the figures.
    """

    def __init__(
        self,
        objective: JepaObjective,
        decode: Callable[[Sequence[int]], str],
        ends: Sequence[int],
        never: Sequence[int],
        scorer: tuple[str, Scorer],
        max_new_tokens: int,
        limit: int | None,
        shown: int,
    ):
        self.objective, self.decode, self.ends, self.never = objective, decode, ends, never
        self.scorer, self.max_new_tokens, self.limit, self.shown = scorer, max_new_tokens, limit, shown

    def __call__(self, name: str, samples: SampleSet, batch_size: int) -> dict[str, Any]:
        """Measures shares of the answers by name, and picks ``generated_examples``. Processes divide the questions."""
        rank, count = rank_and_world()
        mine = list(self.questions(samples, batch_size))[rank::count]
        answers = _gathered(
            answer_all(
                self.objective.model,
                mine,
                self.decode,
                self.ends,
                self.scorer,
                self.max_new_tokens,
                batch_size,
                self.never,
            )
        )
        found = metrics(answers)
        found.pop("num_samples")
        return {f"{PREFIX}{key}": value for key, value in found.items()} | {
            f"{PREFIX}examples": examples(answers, self.shown)
        }

    def questions(self, samples: SampleSet, batch_size: int) -> Iterator[Question]:
        """Yields each conversation up to its last answer, and that answer, both decoded from tokens."""
        count = len(samples) if self.limit is None else min(self.limit, len(samples))
        for rows in parts_of(count, batch_size):
            batch = samples.__getitems__(rows)
            for ids, tags in zip(batch["input_ids"].tolist(), batch["tags"].tolist(), strict=True):
                begin, end = last_answer(tags)
                yield Question(ids[:begin], self.decode(ids[:begin]), self.decode(ids[begin:end]))


def last_answer(tags: Sequence[int]) -> tuple[int, int]:
    """The beginning and the end of the last answer's content.

    >>> last_answer([4, 2, 4, 3, 5, 2, 4, 3, 3, 5, 4, 0, 0])
    (7, 9)
    """
    end = max(place for place, tag in enumerate(tags) if tag in WRITTEN) + 1
    while end and tags[end - 1] == Tag.END:
        end -= 1
    begin = end
    while begin and tags[begin - 1] == Tag.ASSISTANT:
        begin -= 1
    return begin, end


def _gathered(mine: list[JudgedAnswer]) -> list[JudgedAnswer]:
    """Gathers the answers of all processes, in the order of the questions."""
    count = rank_and_world()[1]
    if count == 1:
        return mine
    parts: list[list[JudgedAnswer]] = [[] for _ in range(count)]
    distributed.all_gather_object(parts, mine)
    longest = max(map(len, parts))
    return [part[place] for place in range(longest) for part in parts if place < len(part)]


def generation(
    context: EvaluationContext,
    scorer: str | dict[str, Any] = "exact",
    max_new_tokens: int = 128,
    limit: int | None = None,
    examples: int = 5,
) -> GenerationEvaluation:
    """Lets the model answer each question itself, and judges content, stopping and length apart.

    scorer: the measure of right: exact, first_line, starts_with, contains, number, {name: regex_equivalence, seconds:
    2} or {name: sql_execution, databases: DIR}; max_new_tokens: the length at which an answer is cut off; limit: the
    number of first questions of each set; examples: answers of each kind that the report shows.
    """
    if max_new_tokens < 1 or examples < 0 or (limit is not None and limit < 1):
        raise ComponentError("max_new_tokens and limit: expected 1 or more; examples: 0 or more")
    data, model = context.data, context.objective.model
    if "assistant" not in data.tags or "tokenizer.json" not in data.tokenizer_files:
        raise ComponentError("generation is of conversations, with a tokenizer: 'data: {name: messages, …}' gives them")
    tokenizer = tokenizer_from(data.tokenizer_files)
    ends, never = ends_and_never(model, tokenizer, data.vocabulary)

    def decode(ids: Sequence[int]) -> str:
        return str(tokenizer.decode([*ids], skip_special_tokens=False, clean_up_tokenization_spaces=False))

    judge = make_scorer(scorer)
    return GenerationEvaluation(context.objective, decode, ends, never, judge, max_new_tokens, limit, examples)


def generation_table(found: Mapping[str, Mapping[str, Any]]) -> tuple[list[str], list[list[str]]] | None:
    """Columns and rows of the table, a set a column and a figure a row; None where a run has no such figures."""
    measured = {name: figures for name, figures in found.items() if f"{PREFIX}content" in figures}
    if not measured:
        return None
    names = [key for key in next(iter(measured.values())) if key.startswith(PREFIX) and key != f"{PREFIX}examples"]
    rows = [
        [key.removeprefix(PREFIX).replace("_", " "), *(f"{of[key]:.3f}" for of in measured.values())] for key in names
    ]
    return ["answers that the model wrote", *measured], rows


def generation_examples(found: Mapping[str, Mapping[str, Any]], each: int) -> tuple[list[str], list[list[str]]] | None:
    """Columns and rows of right and wrong answers, up to `each` of a kind and set; None where there are none."""
    rows = []
    for name, figures in found.items():
        seen: Counter[str] = Counter()
        for case in figures.get(f"{PREFIX}examples") or ():
            seen[case["kind"]] += 1
            if seen[case["kind"]] <= each:
                asked, wanted, text = (in_one_line(case[key]) for key in ("prompt", "expected", "text"))
                ended = "" if case["stopped"] else "does not stop"
                rows.append([name, case["kind"], asked, wanted, text, case["why"] or ended])
    return (["set", "answer is", "asked", "expected", "answered", "why"], rows) if rows else None


def in_one_line(text: str) -> str:
    """Puts a text in one line; of a longer one only the end is kept.

    >>> in_one_line("lines that begin\\nwith a\\n")
    'lines that begin ⏎ with a'
    """
    line = " ⏎ ".join(text.strip().splitlines())
    return line if len(line) <= LONGEST_SHOWN else "…" + line[1 - LONGEST_SHOWN :]


generation.prefix = PREFIX  # type: ignore[attr-defined]
generation.table = generation_table  # type: ignore[attr-defined]
generation.examples = generation_examples  # type: ignore[attr-defined]


@hookimpl
def jepa_evaluations() -> Mapping[str, object]:
    return {"generation": generation}
