"""A model in double precision for a while: differences that vanish there were rounding, others were not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: Kernels that run experts by groups have no double precision; those that run them one by one have.
_EXPERTS, _ONE_BY_ONE = "_experts_implementation", "eager"


@contextmanager
def in_double(model: PreTrainedModel) -> Iterator[None]:
    """Makes weights and buffers float64, and afterwards the very tensors that they were. Takes room for the model twice
    more; devices without float64 (MPS) raise TypeError."""
    config = model.config.get_text_config(decoder=True)
    experts = getattr(config, _EXPERTS, None)
    tensors = [tensor for tensor in (*model.parameters(), *model.buffers()) if tensor.is_floating_point()]
    before: list[Tensor] = [tensor.data for tensor in tensors]
    try:
        for tensor in tensors:
            tensor.data = tensor.data.to(torch.float64)
        if experts is not None:
            setattr(config, _EXPERTS, _ONE_BY_ONE)
        yield
    finally:
        for tensor, data in zip(tensors, before, strict=True):
            tensor.data = data
        if experts is not None:
            setattr(config, _EXPERTS, experts)
