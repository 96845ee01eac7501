"""Recall: the state where an answer belongs becomes a candidate's before the answer is spelled.

The prediction from a question says which candidate answers it, by its cosine with the candidates' own states, but it is
no such state. The layers after a given one get, in the answer's place, the mean of all candidates' states, weighted by
softmax(cosine / temperature): one step of a modern Hopfield network whose memory is the candidates (Ramsauer et al.
2021, arXiv 2008.02217, equation 3). So a decoder that can spell candidates can spell answers.

Axes: ``r t d`` states of a call, ``m d`` the memory, ``q w`` tokens of questions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import normalize, pad

from jepa_core.errors import ComponentError
from jepa_core.model.early_exit import hidden_of, with_hidden
from jepa_core.model.transformer import Transformer
from jepa_core.objective.arrangement import Arrangement, Block
from jepa_core.objective.jepa_term import RunningTerm
from jepa_core.objective.plan import PlannedRecall
from jepa_core.objective.spec import ObjectiveSpec
from jepa_core.samples.candidates import Asked
from jepa_core.samples.samples import Samples

#: From the states ``q w d`` by layer, question ``q w`` and tags ``q w`` to the predicted embeddings ``q d``.
Predict = Callable[[dict[int, Tensor], Tensor, Tensor], Tensor]


class Recall:
    """Hooks of `transformer` after the layers that `predict` reads, and after `layer`, where recalled states go in.

    They keep state while the model runs, so this is not for gradient checkpointing, which runs it again later."""

    def __init__(self, transformer: Transformer, layer: int, reads: set[int], predict: Predict, temperature: float):
        self.layer, self.predict, self.temperature = layer, predict, temperature
        self.memory: Tensor | None = None
        self.states: dict[int, Tensor] = {}
        self.reads = reads
        for number in reads - {layer}:
            transformer.after_layer(number, partial(self._keep, number))
        transformer.after_layer(layer, self._before)

    @contextmanager
    def at(self, asked: PlannedRecall, memory: Tensor | None) -> Iterator[None]:
        """Recalls, in this context, what the questions of a call ask for; nothing without a memory."""
        self.asked, self.memory = asked, memory
        try:
            yield
        finally:
            self.memory = None
            self.states.clear()

    def _keep(self, layer: int, block: nn.Module, args: tuple, kwargs: dict[str, Any]) -> None:
        if self.memory is not None:
            self.states[layer] = hidden_of(args, kwargs)

    def _before(self, block: nn.Module, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any]] | None:
        if self.memory is None:
            return None
        self._keep(self.layer, block, args, kwargs)
        return with_hidden(self._answered(hidden_of(args, kwargs), self.asked, self.memory), args, kwargs)

    def _answered(self, hidden: Tensor, asked: PlannedRecall, memory: Tensor) -> Tensor:
        """Puts recalled states where answers belong. Only the question is read: later tokens have seen the answer."""
        with torch.no_grad():
            found = self.predict(
                {layer: _at(self.states[layer], asked.tokens) for layer in self.reads}, asked.question, asked.tags
            )
            answers = recalled(found, memory, self.temperature).to(hidden.dtype)
        flat = hidden.flatten(0, 1).index_copy(0, asked.answers, answers.index_select(0, asked.row))
        return flat.view(hidden.shape)


def make_recall(spec: ObjectiveSpec, transformer: Transformer, first: RunningTerm) -> Recall | None:
    """Makes the recall that the spec asks for, if any. Raises ComponentError where something it needs is missing."""
    if spec.recall_temperature is None:
        return None
    if spec.ntp_detach is None:
        raise ComponentError("recall_temperature: needs ntp_detach, the layer after which to recall")
    if spec.asked is None:
        raise ComponentError("recall_temperature: the dataset does not say what is asked in a sample")
    reads = {side.layer for side in first.source_sides}
    return Recall(transformer, spec.ntp_detach, reads, first.predicted_from, spec.recall_temperature)


def _at(states: Tensor, tokens: Tensor) -> Tensor:
    """``q w d`` of a call's ``r t d``."""
    return states.flatten(0, 1).index_select(0, tokens.flatten()).view(*tokens.shape, -1)


def recalled(states: Tensor, memory: Tensor, temperature: float) -> Tensor:
    """``n d``: for each of the states ``n d`` the weighted mean of the memory."""
    memory = memory.float()
    cosines = normalize(states.float(), dim=-1) @ normalize(memory, dim=-1).T
    return torch.softmax(cosines / temperature, dim=-1) @ memory


def plan_recalls(
    asked: Callable[[Samples], Asked], blocks: Sequence[Block], arrangement: Arrangement
) -> tuple[PlannedRecall, ...]:
    """Plans the questions of each call; on the host, so that no step waits for the device."""
    widest = max(block.ids.shape[1] for block in blocks)
    parts = [_questions(asked, block, places, widest) for block, places in zip(blocks, arrangement.places, strict=True)]
    tokens, question, tags, answer = (torch.cat([part[i] for part in parts]) for i in range(4))
    found, start = [], 0
    for call in arrangement.calls:
        end = start + call.ids.numel()
        here = ((tokens[:, 0] >= start) & (tokens[:, 0] < end)).nonzero().flatten()
        inside, row = tokens[here] - start, torch.arange(len(here))[:, None].expand(len(here), widest)
        found.append(PlannedRecall(inside, question[here], tags[here], inside[answer[here]], row[answer[here]]))
        start = end
    return tuple(found)


def _questions(
    asked: Callable[[Samples], Asked], block: Block, places: Tensor, width: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The rows of a block that ask: tokens ``q width`` (padded with the row's first), question, tags, answer."""
    found = asked(Samples(block.ids, block.tags))
    rows = found.answer.any(dim=1).nonzero().flatten()
    room = width - places.shape[1]
    tokens = torch.cat([places[rows], places[rows][:, :1].expand(-1, room)], dim=1)
    question, tags, answer = (pad(each[rows], (0, room)) for each in (found.question, block.tags, found.answer))
    return tokens, question, tags, answer
