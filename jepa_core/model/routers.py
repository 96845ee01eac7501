"""The load-balancing loss of a mixture of experts, made by the model's own code."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from jepa_core.model.anatomy import Anatomy
from jepa_core.model.own_logits import OwnLogits, States

if TYPE_CHECKING:
    from transformers import PreTrainedModel

_SWITCH = "output_router_logits"
_COEFFICIENTS = ("router_aux_loss_coef", "aux_loss_coef")

#: For each layer that has experts ``r·t e``: what its router said of the tokens of a call.
Routed = tuple[Tensor, ...]


class Routers:
    """Keeps what the routers say within :meth:`gathering`, and makes a loss of it.

    weight: the configuration's factor for that loss; 0 where it does not ask for the loss, or there is no expert.
    """

    def __init__(self, model: PreTrainedModel, anatomy: Anatomy, own: OwnLogits):
        self._own = own
        self._width = anatomy.config.hidden_size
        self._calls: list[Routed] | None = None
        balances = _SWITCH in inspect.signature(type(model).forward).parameters
        asked = balances and getattr(anatomy.config, _SWITCH, False)
        self.weight = float(_coefficient(model)) if asked else 0.0

    @property
    def options(self) -> dict[str, bool]:
        """The options that make the transformer return what its routers say."""
        return {} if self._calls is None else {_SWITCH: True}

    @contextmanager
    def gathering(self) -> Iterator[list[Routed]]:
        """Yields a list; every call in this context that runs through all layers adds what the routers said."""
        self._calls = []
        try:
            yield self._calls
        finally:
            self._calls = None

    def note(self, out: Any) -> None:
        if self._calls is not None and out is not None:
            self._calls.append(tuple(out.router_logits))

    def loss(self, calls: Sequence[Routed], real: Sequence[Tensor]) -> Tensor:
        """The model's own ``aux_loss``, a scalar without its weight, over the `real` tokens of all calls together.
        real: flat indices for each call."""
        chosen = ([said.index_select(0, some) for said in call] for call, some in zip(calls, real, strict=True))
        layers: Any = tuple(torch.cat(of_layer) for of_layer in zip(*chosen, strict=True))
        nothing = layers[0].new_zeros(1, 1, self._width)
        loss: Tensor = self._own.output(
            States(last_hidden_state=nothing, router_logits=layers), **{_SWITCH: True}
        ).aux_loss
        return loss


def _coefficient(model: PreTrainedModel) -> float:
    """The factor of the loss; models keep it under one of two names, some in a part of their configuration."""
    return next((value for name in _COEFFICIENTS if (value := getattr(model, name, None)) is not None), 0.0)
