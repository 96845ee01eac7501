"""``random_spans``: a random span of the conversation against the rest of it, as STP was released."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from jepa_core import BuildContext, ComponentError, Draws, Part, Samples, Views, hookimpl
from jepa_plugins.text.spans import Draw, Through, Weight, draw_spans, pair_weights, path, within


class RandomSpans:
    """Contents of the conversation are one path of hidden states; a random span of it is cut out. Source: the rest,
    before and after the span; target: the span; both inside the sample's own row, so they cost no tokens. With the
    extractor `displacement` the pair is that of STP (arXiv 2602.22617).

    user, assistant: numbers of these tags. through: the tokens of the path (see
    :func:`~jepa_plugins.text.spans.path`); spans: the number drawn of each sample; draw, from_start, max_length: the
    way of drawing (see :func:`~jepa_plugins.text.spans.draw_spans`); weight: of a pair by its lengths. A conversation
    with a path of fewer than two tokens weighs nothing.
    """

    def __init__(
        self,
        user: int,
        assistant: int,
        through: Through = "contents",
        spans: int = 1,
        draw: Draw = "start_first",
        from_start: bool = False,
        max_length: int | None = None,
        weight: Weight = "none",
    ):
        self.user, self.assistant, self.through = user, assistant, through
        self.spans, self.draw, self.from_start, self.max_length = spans, draw, from_start, max_length
        self.weight = weight

    def __call__(self, samples: Samples, draws: Draws) -> Views:
        chosen = path(samples.tags, self.user, self.assistant, self.through) & samples.valid
        lengths, pairs, weighs = chosen.sum(dim=1), [], []
        for number in range(self.spans):
            numbers = torch.stack([draws(2 * number), draws(2 * number + 1)], dim=1)
            span = draw_spans(lengths, numbers, self.draw, self.from_start, self.max_length)
            cut = within(chosen, span)
            short = lengths < 2  # any tokens will do, since they weigh nothing
            rest = (chosen & ~cut) | (short[:, None] & samples.valid)
            pairs.append((Part(rest), Part(cut | (short[:, None] & samples.valid))))
            weigh = pair_weights(span[:, 1] - span[:, 0], lengths.clamp(min=2), self.weight)
            weighs.append(weigh.where(~short, 0.0))
        return Views(tuple(pairs), tuple(weighs))


def random_spans(
    context: BuildContext,
    through: Through = "contents",
    spans: int = 1,
    draw: Draw = "start_first",
    from_start: bool = False,
    max_length: int | None = None,
    weight: Weight = "none",
) -> RandomSpans:
    """A random span of the conversation against the rest of it (STP as released); read both with `displacement`.

    through: the contents of users' and assistants' turns alone, end_to_end with everything between them, prompt with
    everything up to the user's last token, or all; spans: the number drawn of each sample; draw: start_first, both or
    uniform; from_start: spans begin where the path does; max_length: of a span; weight: none, cosine_like or
    jaccard_like, by the lengths of span and rest.
    """
    if spans < 1 or (max_length is not None and max_length < 1):
        raise ComponentError("spans and max_length: expected 1 or more")
    user, assistant = (tag_of(context, name) for name in ("user", "assistant"))
    return RandomSpans(user, assistant, through, spans, draw, from_start, max_length, weight)


def tag_of(context: BuildContext, name: str) -> int:
    """The number of a tag. Raises ComponentError where the dataset has none of this name."""
    if name not in context.tags:
        raise ComponentError(f"these views are of conversations: the dataset has no tag '{name}'")
    return context.tags.index(name) + 1


@hookimpl
def jepa_reversal_strategies() -> Mapping[str, object]:
    return {"random_spans": random_spans}
