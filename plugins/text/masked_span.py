"""``masked_span``: the conversation with a random span masked, against the span."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from jepa_core import BuildContext, ComponentError, Draws, NewBlock, Samples, TokenNames, Views, did_you_mean, hookimpl
from jepa_plugins.text.random_spans import tag_of
from jepa_plugins.text.spans import Draw, Through, draw_spans, path, within

Target = Literal["span", "conversation"]
#: The mask token's names in tokenizers.
MASKS = ("<mask>", "[MASK]", "<|mask|>")


class MaskedSpan:
    """Contents of the conversation are one path of tokens; a random span of it is hidden. Source: the conversation from
    the path's first to its last token, with a mask token for every token of the span; target: the span alone, or that
    conversation unmasked. Both are blocks of their own (the ablation "Mask" of STP, arXiv 2602.22617).

    mask: id of the mask token; the others as in `random_spans`. A conversation with a path of fewer than two tokens
    weighs nothing.
    """

    def __init__(
        self,
        user: int,
        assistant: int,
        mask: int,
        target: Target = "span",
        through: Through = "contents",
        draw: Draw = "start_first",
        from_start: bool = False,
        max_length: int | None = None,
    ):
        self.user, self.assistant, self.mask, self.target, self.through = user, assistant, mask, target, through
        self.draw, self.from_start, self.max_length = draw, from_start, max_length

    def __call__(self, samples: Samples, draws: Draws) -> Views:
        chosen = path(samples.tags, self.user, self.assistant, self.through) & samples.valid
        lengths = chosen.sum(dim=1)
        numbers = torch.stack([draws(0), draws(1)], dim=1)
        cut = within(chosen, draw_spans(lengths, numbers, self.draw, self.from_start, self.max_length))
        enough = lengths >= 2
        anything = samples.valid & ~enough[:, None]  # it weighs nothing
        around = _from_first_to_last(chosen) & samples.valid | anything
        source = Samples(samples.ids.masked_fill(cut, self.mask), samples.tags).where(around)
        target = samples.where(cut | anything if self.target == "span" else around)
        return Views(((NewBlock(source), NewBlock(target)),), (enough.float(),))


def _from_first_to_last(chosen: Tensor) -> Tensor:
    return chosen.cummax(dim=1).values & chosen.flip(1).cummax(dim=1).values.flip(1)


def masked_span(
    context: BuildContext,
    target: Target = "span",
    mask_token: str | None = None,
    through: Through = "contents",
    draw: Draw = "start_first",
    from_start: bool = False,
    max_length: int | None = None,
) -> MaskedSpan:
    """Pairs the conversation, a random span of it masked, with the span alone or the whole conversation.

    target: span or conversation; mask_token: the token in place of a hidden one, null for the tokenizer's own mask
    token; through, draw, from_start, max_length: the place and the draw of spans, as in random_spans.
    """
    if max_length is not None and max_length < 1:
        raise ComponentError(f"max_length: expected 1 or more, not {max_length}")
    user, assistant = (tag_of(context, name) for name in ("user", "assistant"))
    mask = mask_id(context.vocabulary, mask_token)
    return MaskedSpan(user, assistant, mask, target, through, draw, from_start, max_length)


def mask_id(names: TokenNames, wanted: str | None) -> int:
    """The id of a token by name, or of the tokenizer's own mask token. Raises ComponentError where there is none."""
    known = names.token_to_id
    if wanted is not None and wanted not in known:
        raise ComponentError(f"mask_token: there is no token '{wanted}'{did_you_mean(wanted, known)}")
    found = wanted or next((name for name in MASKS if name in known), None)
    if found is None:
        raise ComponentError("mask_token: the tokenizer has no mask token: name one of its tokens that texts don't use")
    return known[found]


@hookimpl
def jepa_reversal_strategies() -> Mapping[str, object]:
    return {"masked_span": masked_span}
