"""Tries on a few tokens what a model can do when it generates: the code of 200 kinds of models does not say.

Axes: ``b`` rows, ``t`` tokens, ``v`` vocabulary.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from jepa_core.model.windows import max_positions

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: Tokens of a row.
_TRIED = 3


@torch.no_grad()
def remembers(model: PreTrainedModel, divided: bool = False) -> bool:
    """Tells whether a token after others gets, by the model's cache, the logits that it gets with them.

    Some kinds of models keep no cache that can be handed on, or one of their own between calls. divided: also where
    another row leaves the cache, which the states of some kinds of layers do not follow.
    """
    if len(accepted(model, {"past_key_values": None, "use_cache": None})) < 2 or most_positions(model) < _TRIED:
        return False
    ids, last = _rows(model), _TRIED - 1
    left = slice(1, None) if divided else slice(None)

    def compare() -> bool:
        cache = getattr(_call(model, ids[:, :last], use_cache=True), "past_key_values", None)
        if cache is None:
            return False
        if divided:
            cache.batch_select_indices(torch.tensor([1], device=ids.device))
        after = _call(model, ids[left, last:], last, use_cache=True, past_key_values=cache)
        return _alike(after.logits[:, -1], _call(model, ids[left]).logits[:, -1])

    return _tried(compare)


@torch.no_grad()
def sees_no_padding(model: PreTrainedModel) -> bool:
    """Tells whether padding to the left changes nothing. Models that count it do not qualify, nor do those whose states
    run on from token to token and through it."""
    if not accepted(model, {"position_ids": None}) or most_positions(model) < _TRIED:
        return False
    ids = _rows(model)

    def compare() -> bool:
        padded = torch.cat([ids[1:, :2], ids[:1]], dim=1)
        hidden = torch.ones_like(padded).index_fill(1, torch.arange(2, device=ids.device), 0)
        places = (hidden.cumsum(1) - 1).clamp(min=0)
        inputs = {"input_ids": padded, "attention_mask": hidden, "position_ids": places, "use_cache": False}
        return _alike(model(**accepted(model, inputs)).logits[:, -1], _call(model, ids[:1]).logits[:, -1])

    return _tried(compare)


def most_positions(model: PreTrainedModel) -> int:
    """The number of positions that the model's tables hold."""
    return max_positions(model.config) or 2**31


def accepted(model: PreTrainedModel, inputs: dict[str, Any]) -> dict[str, Any]:
    """Keeps the inputs that this model's forward takes; some models make positions from the mask themselves."""
    parameters = inspect.signature(model.forward).parameters
    return {name: value for name, value in inputs.items() if name in parameters}


def _rows(model: PreTrainedModel) -> Tensor:
    """Returns two rows of tokens, ``2 t``."""
    parameter = next(model.parameters(), None)
    device = None if parameter is None else parameter.device
    return torch.arange(2 * _TRIED, device=device).view(2, _TRIED) % model.config.get_text_config().vocab_size


def _call(model: PreTrainedModel, ids: Tensor, seen: int = 0, **options: Any) -> Any:
    """Runs tokens ``b t`` that stand behind so many `seen`."""
    rows, count = ids.shape
    inputs = {
        "input_ids": ids,
        "attention_mask": ids.new_ones(rows, seen + count),
        "position_ids": torch.arange(seen, seen + count, device=ids.device).expand(rows, count),
    }
    return model(**accepted(model, {"use_cache": False, **inputs, **options}))


def _alike(found: Tensor, wanted: Tensor) -> bool:
    """Compares logits ``b v`` up to rounding, which differs with the size of the products."""
    room = max(1e-3, 8 * torch.finfo(found.dtype).eps)
    return torch.allclose(found.float(), wanted.float(), rtol=0, atol=room * max(1.0, float(wanted.abs().max())))


def _tried(compare: Callable[[], bool]) -> bool:
    try:
        return compare()
    except Exception:  # whatever a model's code raises: without what was tried it generates all the same, but slower
        return False
