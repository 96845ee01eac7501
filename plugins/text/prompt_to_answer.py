"""``prompt_to_answer``: the two views of LLM-JEPA, from the question to the answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import torch

from jepa_core import ComponentError, NewBlock, Part, Samples, View, Views, hookimpl

Rendering = Literal["prefix", "alone"]


class PromptToAnswer:
    """Source: the conversation up to its last answer; target: that answer, a block of its own.

    LLM-JEPA (Huang, LeCun and Balestriero 2025, arXiv 2509.14252). rendering: with ``prefix`` the source is the row's
    own beginning, which costs no tokens, and its predictor tokens are a branch that sees it and not the answer; with
    ``alone`` it is the user's turn by itself, a new block, with the predictor tokens before the template closes the
    turn, as in the paper's code. reverse: from the answer to the question. predictors: ``before`` puts the predictor
    tokens before the tokens of the source; only new blocks can have them there.
    """

    def __init__(
        self,
        rendering: Rendering = "prefix",
        reverse: bool = False,
        predictors: Literal["after", "before"] = "after",
    ):
        if predictors == "before" and rendering == "prefix" and not reverse:
            raise ValueError("predictors: before needs rendering: alone: the prefix is the sample's own row")
        self.rendering = rendering
        self.reverse = reverse
        self.first = predictors == "before"

    def __call__(self, samples: Samples) -> Views:
        asked, answer = self._asked(samples), NewBlock(_rendering(samples, "answer"), predictors_first=self.first)
        return Views(((answer, asked),) if self.reverse else ((asked, answer),))

    def _asked(self, samples: Samples) -> View:
        if self.rendering == "alone":
            return NewBlock(_rendering(samples, "alone"), predictors_first=self.first)
        return Part(prefix_of(samples), branch=True)


def prefix_of(samples: Samples) -> torch.Tensor:
    """Marks the tokens before the last answer's turn, ``b s`` bool."""
    lengths = _rendering(samples, "prefix").valid.sum(dim=1, keepdim=True)
    return torch.arange(samples.ids.shape[1]) < lengths


def _rendering(samples: Samples, name: str) -> Samples:
    if name not in samples.renderings:
        raise ComponentError(
            f"prompt_to_answer needs the rendering '{name}' of its samples, which the dataset does not give; "
            "'data: {name: messages, …}' does"
        )
    return samples.renderings[name]


@hookimpl
def jepa_reversal_strategies() -> Mapping[str, object]:
    return {"prompt_to_answer": PromptToAnswer}
