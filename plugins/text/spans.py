"""The places of views in a text: paths through a row, spans cut out of them, points on them, steps of an answer.

Everything is a plain function of tokens' places and of uniform numbers in [0, 1), which the caller draws without
state. No draw is ever rejected, yet the distributions are those of rejection sampling.

Axes: ``b`` samples, ``s`` tokens of a row. A *path* is a ``b s`` selection of a row's tokens; the path's own
coordinates 0, 1, … count selected tokens. A *span* is a ``b 2`` pair (start, end) of them, the end left out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Literal

import torch
from torch import Tensor

Through = Literal["contents", "end_to_end", "prompt", "all"]
Draw = Literal["start_first", "both", "uniform"]
Weight = Literal["none", "cosine_like", "jaccard_like"]


def path(tags: Tensor, user: int, assistant: int, through: Through = "contents") -> Tensor:
    """Marks the tokens of the path, ``b s`` bool, by the tags ``b s``.

    through: ``contents`` of users' and assistants' turns, one after another; ``end_to_end``, from the first such
    token to the last with everything between; ``prompt``, everything up to the user's last token, and the assistant's
    contents; ``all``, from the row's beginning to the last content.
    A step of the path is the change of the state from the token before, so no path has a row's first token.
    """
    content = (tags == user) | (tags == assistant)
    if through == "end_to_end":
        content = _up_to_the_last(content) & content.cummax(1).values
    elif through == "prompt":
        content = _up_to_the_last(tags == user) | (tags == assistant)
    elif through == "all":
        content = _up_to_the_last(content)
    return content & (torch.arange(tags.shape[1], device=tags.device) > 0)


def _up_to_the_last(chosen: Tensor) -> Tensor:
    return chosen.flip(1).cummax(1).values.flip(1)


def draw_spans(
    lengths: Tensor, draws: Tensor, how: Draw = "start_first", from_start: bool = False, max_length: int | None = None
) -> Tensor:
    """Draws a span ``b 2`` of each path, never all of it; (0, 0) where a path has fewer than two tokens.

    lengths: ``b``; draws: ``b 2``. how: ``start_first`` draws the start from the path and the end from the rest
    after it; ``both`` draws two points at once; ``uniform`` makes all spans equally probable.
    from_start: the span begins where the path does. max_length: longer spans are not drawn (`start_first`), or
    lose their end.
    """
    whole = lengths.clamp(min=2)
    if how == "start_first":
        start, end = _start_first(whole, draws, from_start, max_length)
    else:
        start, end = (_both if how == "both" else _uniform)(whole, draws)
        start = torch.zeros_like(start) if from_start else start
        end = torch.where(end - start < whole, end, end - 1)
        end = end if max_length is None else torch.minimum(end, start + max_length)
    return torch.stack([start, end], 1) * (lengths > 1)[:, None]


def _below(limit: Tensor, draw: Tensor) -> Tensor:
    """Turns a draw in [0, 1) into an integer from 0 to `limit` - 1."""
    return (limit * draw.double()).long().minimum(limit - 1)


def _start_first(whole: Tensor, draws: Tensor, from_start: bool, max_length: int | None) -> tuple[Tensor, Tensor]:
    start = torch.zeros_like(whole) if from_start else _below(whole, draws[:, 0])
    longest = torch.where(start == 0, whole - 1, whole - start)
    if max_length is not None:
        longest = longest.clamp(max=max_length)
    return start, start + 1 + _below(longest, draws[:, 1])


def _both(whole: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
    """Draws one point from 0 to n - 1, one from 1 to n. Each first point excludes one value of the second, itself or
    the other end of the path; the other values follow it cyclically."""
    one = _below(whole, draws[:, 0])
    other = (one + _below(whole - 1, draws[:, 1])) % whole + 1
    return torch.minimum(one, other), torch.maximum(one, other)


def _uniform(whole: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
    """Draws one of n(n + 1)/2 - 1 spans: starts 0 and n - 1 have n + 1 of them together, as do 1 and n - 2, …

    So spans are numbered in rows of n + 1. The number of the whole path, n - 1, is used for the last span.
    """
    count = whole * (whole + 1) // 2 - 1
    number = _below(count, draws[:, 0])
    number = torch.where(number == whole - 1, count, number)
    row, column = number // (whole + 1), number % (whole + 1)
    first = column < whole - row
    start = torch.where(first, row, whole - 1 - row)
    return start, start + 1 + torch.where(first, column, column - (whole - row))


def draw_points(lengths: Tensor, draws: Tensor) -> Tensor:
    """Draws points s < r < t of each path, ``b 3``, all choices equally probable; (0, 0, 0) if it has fewer than three.

    lengths: ``b``; draws: ``b 3``.
    """
    whole = lengths.clamp(min=3)
    points = _below(whole, draws[:, 0])[:, None]
    for taken in (1, 2):
        point = _below(whole - taken, draws[:, taken])
        for other in points.unbind(1):  # sorted: those at or before it make it one later
            point = point + (other <= point)
        points = torch.cat([points, point[:, None]], 1).sort(1).values
    return points * (lengths > 2)[:, None]


def draw_neighbours(lengths: Tensor, draws: Tensor) -> Tensor:
    """Draws three neighbouring points ``b 3`` of each path; (0, 0, 0) where it has fewer than three.

    lengths: ``b``; draws: ``b``.
    """
    first = _below(lengths.clamp(min=3) - 2, draws)
    return (first[:, None] + torch.arange(3, device=lengths.device)) * (lengths > 2)[:, None]


def within(chosen: Tensor, spans: Tensor) -> Tensor:
    """Marks the row's tokens in a span of the path, ``b s`` bool."""
    number = chosen.long().cumsum(1) - 1
    return chosen & (number >= spans[:, :1]) & (number < spans[:, 1:])


def places_in_row(chosen: Tensor, points: Tensor) -> Tensor:
    """The places ``b n`` in the row of points on the path, which are given in its coordinates ``b n``."""
    return torch.searchsorted(chosen.long().cumsum(1), points + 1)


def change_factors(select: Tensor) -> Tensor:
    """The factors ``b s`` by which states add up to the sum of their changes into the selected tokens.

    The change into a token is its state less that of the token before. Over neighbours it telescopes: of tokens
    3, 4 and 5 there remain + state 5 and - state 2. A row's first token has none before it: it may not be chosen.
    """
    into = select.long()
    return into - torch.cat([into[:, 1:], torch.zeros_like(into[:, :1])], 1)


def pair_weights(span: Tensor, whole: Tensor, how: Weight = "none") -> Tensor:
    """The weight ``b`` float of a pair, by the lengths of its span and of the path.

    none: 1; with a the span's length and b the rest's, cosine_like: 2ab / (a² + b²); jaccard_like:
    1 - |a - b| / (a + b). Both are 1 for halves.
    """
    a, b = span.float(), (whole - span).float()
    if how == "cosine_like":
        return 2 * a * b / (a * a + b * b)
    if how == "jaccard_like":
        return 1 - (a - b).abs() / (a + b)
    return torch.ones_like(a)


def split_steps(text: str, separator: str = r"\n+") -> list[tuple[int, int]]:
    """Splits an answer into steps, (start, end) of their characters; text that matches `separator` is in none.

    >>> split_steps("2 + 2 = 4\\n4 * 3 = 12\\n#### 12")
    [(0, 9), (10, 20), (21, 28)]
    """
    cuts = [match.span() for match in re.finditer(separator, text) if match.end() > match.start()]
    starts, ends = [0, *(end for _, end in cuts)], [*(start for start, _ in cuts), len(text)]
    return [(start, end) for start, end in zip(starts, ends, strict=True) if text[start:end].strip()]


def tokens_of_steps(offsets: Sequence[tuple[int, int]], steps: Collection[tuple[int, int]]) -> list[list[int]]:
    """Assigns tokens to steps: each to the step with its first character other than white space.

    offsets: (start, end) of each token's characters, without white space; tokens between two steps are in none.
    """
    return [[i for i, (at, end) in enumerate(offsets) if start <= at < stop and end > at] for start, stop in steps]
