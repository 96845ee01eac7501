"""Objectives of one model: what one of them does to the model, all of them get, until it is closed."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from torch import nn

from jepa_core.errors import ComponentError
from jepa_core.objective.jepa_term import checked_detach

#: Model -> objectives that are not closed.
_OPEN: WeakKeyDictionary[nn.Module, WeakSet[Any]] = WeakKeyDictionary()


def take_model(objective: Any) -> None:
    """Makes the model forget positions and ends gradients at a layer, where the spec asks for it.

    Raises ComponentError where another open objective of the model asks for something else.
    """
    if any(_differ(objective)):
        gc.collect()  # of those that nobody holds any longer
    for key in _differ(objective):
        raise ComponentError(
            f"{key}: another objective of this model has another one, and both would run with what either asks for: "
            "close() it first, or give each a model of its own"
        )
    spec, transformer = objective.spec, objective.transformer
    if spec.positions == "none":
        transformer.forget_positions()
    if spec.ntp_detach is not None:
        transformer.detach_after(checked_detach(spec.ntp_detach, objective.terms, transformer.num_layers))
    _OPEN.setdefault(objective.model, WeakSet()).add(objective)


def leave_model(objective: Any) -> None:
    """Takes every hook of an objective off its model."""
    _OPEN.get(objective.model, WeakSet()).discard(objective)
    objective.transformer.close()


def _differ(objective: Any) -> Iterator[str]:
    """Yields each key that another open objective of the model has another value of."""
    mine = objective.spec
    for other in list(_OPEN.get(objective.model, ())):
        if (other.spec.positions == "none") != (mine.positions == "none"):
            yield "positions"
        if other.spec.ntp_detach != mine.ntp_detach:
            yield "ntp_detach"
