"""``steps``: a step of an answer and the next one, as in chains of reasoning."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import accumulate, pairwise

import torch
from torch import Tensor

from jepa_core import BuildContext, ComponentError, Draws, NewBlock, Part, Samples, View, Views, hookimpl
from jepa_core.model.tokenizer import tokenizer_from
from jepa_plugins.text.random_spans import tag_of
from jepa_plugins.text.spans import split_steps, tokens_of_steps

#: The separator of steps by lines, as in the solutions of GSM8K.
LINES = r"\n+"


class Steps:
    """Divides the last answer into steps at matches of `separator`, and draws one pair of neighbours a sample. Source:
    a step; its predictor tokens see everything before them in the row, and nothing after; target: the next step, a
    block of its own. An answer of fewer than two steps weighs nothing.

    user, assistant: numbers of these tags; piece: gives the text of a token; apart: the target is a block of its own;
    false: it stays in the row, where it costs no tokens, and sees the source.
    """

    #: The source is a part of the answer.
    inside_answer = True

    def __init__(
        self, user: int, assistant: int, piece: Callable[[int], str], separator: str = LINES, apart: bool = True
    ):
        self.user, self.assistant, self.piece, self.separator, self.apart = user, assistant, piece, separator, apart

    def __call__(self, samples: Samples, draws: Draws) -> Views:
        steps = [self._steps(*row) for row in zip(samples.ids, samples.tags, strict=True)]
        numbers = draws(0).tolist()
        source, target = (torch.zeros_like(samples.tags, dtype=torch.bool) for _ in range(2))
        for row, (found, number) in enumerate(zip(steps, numbers, strict=True)):
            if len(found) < 2:  # any token will do, since it weighs nothing
                source[row, 0] = target[row, 0] = True
                continue
            first = min(int(number * (len(found) - 1)), len(found) - 2)
            source[row, found[first]] = True
            target[row, found[first + 1]] = True
        weights = torch.tensor([float(len(found) > 1) for found in steps])
        following: View = NewBlock(samples.where(target)) if self.apart else Part(target)
        return Views(((Part(source, branch=True), following),), (weights,))

    def _steps(self, ids: Tensor, tags: Tensor) -> list[list[int]]:
        """The places of each step in the row, from its first token to its last, white space between them included; a
        step without a token of its own is left out."""
        asked = (tags == self.user).nonzero().flatten().tolist()
        places = [i for i in (tags == self.assistant).nonzero().flatten().tolist() if i > max(asked, default=-1)]
        pieces = [self.piece(i) for i in ids[places].tolist()]
        found = tokens_of_steps(offsets_of(pieces), split_steps("".join(pieces), self.separator))
        return [places[step[0] : step[-1] + 1] for step in found if step]


def offsets_of(pieces: Sequence[str]) -> list[tuple[int, int]]:
    """The (start, end) of each piece's characters in a text, without the white space around them.

    >>> offsets_of(["two", " lines", "\\n"])
    [(0, 3), (4, 9), (10, 10)]
    """
    places = pairwise(accumulate(map(len, pieces), initial=0))
    return [
        (end - len(piece.lstrip()), max(end - len(piece.lstrip()), start + len(piece.rstrip())))
        for piece, (start, end) in zip(pieces, places, strict=True)
    ]


def steps(context: BuildContext, separator: str = LINES, apart: bool = True) -> Steps:
    """Pairs a step of an answer with the next one, one pair drawn a sample.

    separator: a regular expression for the text between two steps; apart: the target is a block of its own; false: it
    stays in the row, where it costs no tokens, and sees the source.
    """
    user, assistant = (tag_of(context, name) for name in ("user", "assistant"))
    try:
        re.compile(separator)
    except re.error as error:
        raise ComponentError(f"separator: '{separator}' is no regular expression: {error}") from error
    if not context.tokenizer_files:
        raise ComponentError("steps are found in the text of an answer: the dataset has no tokenizer")
    files = {name: content for name, content in context.tokenizer_files.items() if isinstance(content, bytes)}
    return Steps(user, assistant, piece_of(tokenizer_from(files)), separator, apart)


def piece_of(tokenizer: object) -> Callable[[int], str]:
    """Makes a function from a token's id to its text within a text, where decoders keep the white space before it.

    A token that is only a part of a character gives a mark for it.
    """
    decode = getattr(tokenizer, "decode")  # noqa: B009
    [*_, before] = getattr(tokenizer, "encode")("a", add_special_tokens=False)  # noqa: B009
    start = len(decode([before]))

    @cache
    def piece(token: int) -> str:
        text: str = decode([before, token], skip_special_tokens=False, clean_up_tokenization_spaces=False)
        return text[start:]

    return piece


@hookimpl
def jepa_reversal_strategies() -> Mapping[str, object]:
    return {"steps": steps}
