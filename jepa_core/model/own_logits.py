"""Logits of hidden states, made by the model's own code.

Many models scale their logits (Cohere, Granite) or cap them (Gemma 2) after the output embedding, each under a name
of its own. So the model's own ``forward`` runs here, in a shallow copy of the model in which a stand-in for its
transformer answers with given states. The model itself stays as it is, and all parameters are shared.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from transformers.modeling_outputs import MoeModelOutputWithPast

from jepa_core.errors import ComponentError
from jepa_core.model.anatomy import Anatomy

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: States are probed at these sizes: a cap of 30 does not show in logits of a hundredth.
_SIZES = (1.0, 100.0)


class OwnLogits:
    """The model with its transformer taken out. plain: whether its logits are just the output embedding's."""

    def __init__(self, model: PreTrainedModel, anatomy: Anatomy):
        self._head = anatomy.output
        self._answer = _Answer(anatomy.base, anatomy.blocks[0])
        self._shell = _with(model, {anatomy.path: self._answer})
        self.plain = _is_plain(model, anatomy)

    def __call__(self, hidden: Tensor) -> Tensor:
        """``… d`` to ``… v``."""
        if self.plain:
            return self._head(hidden)
        flat = hidden.reshape(1, -1, hidden.shape[-1])
        return self.output(States(last_hidden_state=flat)).logits.view(*hidden.shape[:-1], -1)

    def output(self, states: States, **options: Any) -> Any:
        """Runs the model's forward on its transformer's `states`; returns all of its output."""
        return _forward(self._shell, self._answer, states, **options)


class States(MoeModelOutputWithPast):
    """The output of a transformer: its last states, and None for whatever else a model asks for."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)


class _Answer(nn.Module):
    """Stands in for a transformer, and for the parts of it that hold its layers."""

    def __init__(self, real: nn.Module, layer: nn.Module):
        super().__init__()
        self.states: States | None = None
        self.__dict__.update(real=real, layer=layer)

    def forward(self, *args: Any, **kwargs: Any) -> States | None:
        return self.states

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.__dict__["real"], name)
        holds = isinstance(value, nn.Module) and any(part is self.__dict__["layer"] for part in value.modules())
        return self if holds else value


class _Head(nn.Module):
    """Stands in for an output embedding: keeps what it is given, and answers `says`."""

    def __init__(self, real: nn.Module, says: Tensor):
        super().__init__()
        self.given: Tensor | None = None
        self.__dict__.update(real=real, says=says)

    def forward(self, hidden: Tensor) -> Tensor:
        self.given = hidden
        return self.__dict__["says"]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["real"], name)


@torch.no_grad()
def _is_plain(model: PreTrainedModel, anatomy: Anatomy) -> bool:
    """Tells whether the output embedding gets the hidden states, and its results leave the model, as they are.

    Tried at small and large numbers, and without looking at any weight: a cap of 30 does not show in logits of a
    hundredth."""
    config, weight = anatomy.config, next(anatomy.output.parameters())
    path = next((path for path, module in model.named_modules() if module is anatomy.output), None)
    if path is None or path.startswith(f"{anatomy.path}."):
        return False
    for size in _SIZES:
        hidden, says = (size * _waves(2, width, weight)[None] for width in (config.hidden_size, config.vocab_size))
        answer, output = _Answer(anatomy.base, anatomy.blocks[0]), _Head(anatomy.output, says)
        logits = _forward(
            _with(model, {anatomy.path: answer, path: output}), answer, States(last_hidden_state=hidden)
        ).logits
        if output.given is None or not _equal(output.given, hidden) or not _equal(logits, says):
            return False
    return True


def _waves(rows: int, width: int, like: Tensor) -> Tensor:
    return torch.arange(rows * width, dtype=torch.float32, device=like.device).sin().view(rows, width).to(like.dtype)


def _equal(first: Tensor, second: Tensor) -> bool:
    return first.is_meta or (first.shape == second.shape and torch.equal(first, second))


def _forward(shell: Any, answer: _Answer, states: States, **options: Any) -> Any:
    hidden: Any = states.last_hidden_state
    ids = torch.zeros(hidden.shape[:2], dtype=torch.int64, device=hidden.device)
    answer.states = states
    try:
        return type(shell).forward(shell, input_ids=ids, use_cache=False, **options)
    except (AttributeError, TypeError, RuntimeError, ValueError, KeyError, IndexError) as error:
        name = type(shell).__name__
        raise ComponentError(f"{name}: can't run its output embedding by itself: {error}") from error
    finally:
        answer.states = None


def _with(model: PreTrainedModel, instead: dict[str, nn.Module]) -> Any:
    """A copy of the model that shares everything with it but these parts."""
    shell = _shallow(model)
    for path, module in instead.items():
        *outer, last = path.split(".")
        holder = shell
        for name in outer:
            holder._modules[name] = _shallow(holder._modules[name])
            holder = holder._modules[name]
        holder._modules[last] = module
    return shell


def _shallow(module: Any) -> Any:
    """Copies a module; the copy shares parameters and sub-modules, but not the table of the latter."""
    made = copy.copy(module)
    made.__dict__["_modules"] = dict(module._modules)
    made.__dict__.pop("forward", None)
    return made
