"""Greedy generation in batches, from any causal language model.

Axes: ``b`` prompts of a batch, ``t`` tokens of the longest with what was generated, ``v`` vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from jepa_core.errors import DataError, brief
from jepa_core.model.evaluating import evaluating
from jepa_core.samples.token_names import TokenNames
from jepa_plugins.text.generation_trials import accepted, most_positions, remembers, sees_no_padding

if TYPE_CHECKING:
    from transformers import PreTrainedModel, PreTrainedTokenizerBase


class Generated(NamedTuple):
    """Token ids without the end token, and whether an end token came."""

    ids: list[int]
    stopped: bool


def end_tokens(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, others: Sequence[int] = ()) -> list[int]:
    """The ids that end an answer: the model's (its generation config), the tokenizer's, and `others`, the template's.

    Raises DataError where there is none: such a model could never stop.
    """
    own = getattr(getattr(model, "generation_config", None), "eos_token_id", None)
    found = {*(own if isinstance(own, list | tuple) else [own]), getattr(tokenizer, "eos_token_id", None), *others}
    ends = sorted(token for token in found if token is not None)
    if not ends:
        raise DataError("neither the model nor its tokenizer or template names a token that ends an answer")
    return ends


def ends_and_never(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, names: TokenNames
) -> tuple[list[int], list[int]]:
    """The ids that end an answer, and those outside the language: predictor tokens and the table's padding."""
    size = model.config.get_text_config().vocab_size
    ends = end_tokens(model, tokenizer, names.marked.get("stop_ids", ()))
    return ends, [*names.pred_ids, *range(names.size, size)]


@torch.no_grad()
def generate(
    model: PreTrainedModel,
    prompts: Sequence[Sequence[int]],
    end_ids: Sequence[int],
    max_new_tokens: int,
    batch_size: int = 64,
    never: Sequence[int] = (),
    on_batch: Callable[[int], object] = lambda count: None,
) -> list[Generated]:
    """Generates the most probable token each time, until an end token or `max_new_tokens`; in the order of `prompts`.

    Prompts of like length share a batch, which does not change their answers: padding stands to the left, unseen, and
    positions count real tokens; for a model that sees padding or counts it, nothing is padded. A prompt that leaves too
    little of a position table gets as many tokens as fit; one that leaves nothing raises DataError.
    never: ids that are not generated, like predictor tokens. on_batch: called with the number of prompts done.
    """
    if max_new_tokens < 1:
        raise ValueError(f"max_new_tokens must be at least 1, not {max_new_tokens}")
    room = most_positions(model)
    for place, prompt in enumerate(prompts):
        if not prompt or len(prompt) > room:
            raise DataError(f"prompt {place} has {len(prompt)} tokens; the model takes 1 to {room}")
    found: dict[int, Generated] = {}
    with evaluating(model), _told(model):
        padded, cached = sees_no_padding(model), remembers(model)
        divided = cached and remembers(model, divided=True)
        for places in _batches(list(map(len, prompts)), batch_size, padded=padded):
            batch = _Batch(
                model, [prompts[place] for place in places], end_ids, max_new_tokens, never, room, cached, divided
            )
            found.update(zip(places, batch.run(), strict=True))
            on_batch(len(places))
    return [found[place] for place in range(len(prompts))]


@contextmanager
def _told(model: PreTrainedModel) -> Iterator[None]:
    """Tells what a model's own code raises when it generates in one line."""
    try:
        yield
    except (RuntimeError, TypeError, ValueError, AttributeError, LookupError, AssertionError) as error:
        raise DataError(f"{type(model).__name__} can't generate: {brief(error)}") from error


def _batches(lengths: Sequence[int], batch_size: int, padded: bool) -> Iterator[list[int]]:
    """Yields places of prompts that share a batch, the longest first; of one length where none may be padded."""
    order = sorted(range(len(lengths)), key=lambda place: -lengths[place])
    together: list[int] = []
    for place in order:
        if together and (len(together) == batch_size or not (padded or lengths[place] == lengths[together[0]])):
            yield together
            together = []
        together.append(place)
    if together:
        yield together


class _Batch:
    """Prompts that go through the model together; finished ones leave when half of the rows are finished."""

    def __init__(
        self,
        model: PreTrainedModel,
        prompts: Sequence[Sequence[int]],
        end_ids: Sequence[int],
        max_new_tokens: int,
        never: Sequence[int],
        room: int,
        cached: bool,
        divided: bool,
    ):
        self.model, self.room, self.cached, self.divided = model, room, cached, divided
        parameter = next(model.parameters(), None)
        self.device = torch.device("cpu") if parameter is None else parameter.device
        self.ends = torch.tensor([*end_ids], device=self.device)
        self.never = torch.tensor([*never], device=self.device, dtype=torch.long)
        self.ids, self.mask = _pad_left(prompts, self.device)  # b t
        self.limits = [min(max_new_tokens, room - len(prompt) + 1) for prompt in prompts]
        self.found = [Generated([], False) for _ in prompts]
        self.rows = list(range(len(prompts)))  # row of ids -> prompt
        self.cache: Any = None

    def run(self) -> list[Generated]:
        going = set(self.rows)
        while going:
            tokens = self._next_tokens()
            ended = torch.isin(tokens, self.ends).tolist()
            for row, token, ends in zip(self.rows, tokens.tolist(), ended, strict=True):
                if row in going and not self._take(row, token, ends):
                    going.remove(row)
            self.ids = torch.cat([self.ids, tokens[:, None]], dim=1)
            self.mask = torch.cat([self.mask, torch.ones_like(tokens)[:, None]], dim=1)
            if 0 < 2 * len(going) <= len(self.rows):
                self._keep(going)
        return self.found

    def _take(self, row: int, token: int, ends: bool) -> bool:
        """Notes a row's token, and tells whether the row goes on."""
        ids = self.found[row].ids
        if ends:
            self.found[row] = Generated(ids, True)
            return False
        ids.append(token)
        return len(ids) < self.limits[row]

    def _next_tokens(self) -> Tensor:
        """The most probable token ``b`` of each row; computes only tokens that the cache has not seen."""
        places = (self.mask.cumsum(1) - 1).clamp(0, self.room - 1)
        new = slice(None) if self.cache is None else slice(-1, None)
        inputs = {
            "input_ids": self.ids[:, new],
            "attention_mask": self.mask,
            "position_ids": places[:, new],
            "past_key_values": self.cache,
            "use_cache": self.cached,
            "logits_to_keep": 1,
        }
        output = self.model(**accepted(self.model, inputs))
        self.cache = getattr(output, "past_key_values", None) if self.cached else None
        logits = output.logits[:, -1].index_fill(1, self.never, float("-inf"))
        return logits.argmax(-1)

    def _keep(self, going: set[int]) -> None:
        """Goes on with these rows alone, where the cache can be divided."""
        if self.cache is not None and not self.divided:
            return
        kept = [place for place, row in enumerate(self.rows) if row in going]
        index = torch.tensor(kept, device=self.device)
        self.ids, self.mask = self.ids[index], self.mask[index]
        self.rows = [self.rows[place] for place in kept]
        if self.cache is not None:
            self.cache.batch_select_indices(index)


def _pad_left(prompts: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Pads ids ``b t`` with 0 on the left; the second tensor, the mask ``b t`` with 1 at real tokens, tells padding."""
    longest = max(map(len, prompts))
    ids = [[0] * (longest - len(prompt)) + list(prompt) for prompt in prompts]
    mask = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    return torch.tensor(ids, device=device), torch.tensor(mask, device=device)
