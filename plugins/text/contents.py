"""``contents``: the question and the answer, without their template."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from jepa_core import BuildContext, ComponentError, NewBlock, Part, Samples, View, Views, hookimpl
from jepa_plugins.text.random_spans import tag_of

Predictors = Literal["after", "before"]


class Contents:
    """Source: the contents of users' turns; target: those of assistants' turns.

    They stay inside the sample's own row and cost no tokens; read with `displacement` or `mean`, the pair is that of
    the ablations of STP (arXiv 2602.22617). apart: both are blocks of their own instead. A row's first token has no
    token before it to be displaced from, so it is left out if any others remain.

    user, assistant: numbers of these tags; reverse: from the answer to the question; predictors: ``before`` puts the
    predictor tokens before the tokens of the source, with apart only.
    """

    def __init__(
        self, user: int, assistant: int, apart: bool = False, reverse: bool = False, predictors: Predictors = "after"
    ):
        self.user, self.assistant = user, assistant
        self.apart, self.reverse, self.first = apart, reverse, predictors == "before"

    def __call__(self, samples: Samples) -> Views:
        asked, answer = (self._view(samples, samples.tags == tag) for tag in (self.user, self.assistant))
        return Views(((answer, asked),) if self.reverse else ((asked, answer),))

    def _view(self, samples: Samples, chosen: Tensor) -> View:
        if self.apart:
            return NewBlock(samples.where(chosen), predictors_first=self.first)
        later = chosen & (torch.arange(chosen.shape[1]) > 0)
        return Part(later.where(later.any(dim=1, keepdim=True), chosen))


def contents(
    context: BuildContext, apart: bool = False, reverse: bool = False, predictors: Predictors = "after"
) -> Contents:
    """Pairs users' words with the assistants' answers, without the template; inside the row, at no cost in tokens.

    apart: as two blocks of their own instead; reverse: from the answer to the question; predictors: before puts the
    predictor tokens before the source's, with apart only.
    """
    if predictors == "before" and not apart:
        raise ComponentError("predictors: before needs apart: true: inside the row tokens stand where they are")
    user, assistant = (tag_of(context, name) for name in ("user", "assistant"))
    return Contents(user, assistant, apart, reverse, predictors)


@hookimpl
def jepa_reversal_strategies() -> Mapping[str, object]:
    return {"contents": contents}
