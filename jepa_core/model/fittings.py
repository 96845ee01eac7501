"""The hooks that Transformers put into a model: one set, however many Transformers there are of it."""

from __future__ import annotations

import weakref
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn

from jepa_core.errors import ComponentError
from jepa_core.model.anatomy import Anatomy
from jepa_core.model.early_exit import EarlyExit
from jepa_core.model.evaluating import evaluating
from jepa_core.model.hooks import Hooks, sweep
from jepa_core.model.layer_mask import LayerMask, of_layers
from jepa_core.model.only_reads import OnlyReads
from jepa_core.model.stream_attention import Attentions, Switch, as_mask

if TYPE_CHECKING:
    from transformers import PreTrainedModel


class Holders:
    """Counts who works with `hooks`, and takes them off with the last; it refers to nothing of the model."""

    def __init__(self, hooks: Hooks):
        self._hooks = hooks
        self._count = 0
        self.gone = False

    def come(self) -> Hooks:
        """Counts one more; returns hooks of its own, and when they are taken off it goes."""
        self._count += 1
        own = Hooks()
        own.undo(self._go)
        return own

    def _go(self) -> None:
        self._count -= 1
        if not self._count:
            self.gone = True
            self._hooks.remove()


class Fittings:
    """Runs `model`; its hooks go away with the last that holds them, though a traceback may still keep this object."""

    _of: ClassVar[weakref.WeakKeyDictionary[nn.Module, weakref.ref[Fittings]]] = weakref.WeakKeyDictionary()

    def __init__(self, model: PreTrainedModel):
        sweep(model)
        self.model = model
        self.anatomy = Anatomy.of(model)
        hooks = Hooks()
        for layer, block in enumerate(self.anatomy.blocks):
            hooks.before(block, LayerMask(layer))
        self.early_exit = EarlyExit(self.anatomy.blocks, hooks)
        self.last_mlp = OnlyReads(self.anatomy.mlp, hooks)
        self._hooks = hooks
        self.holders = Holders(hooks)
        self._switch: Switch | None = None  # to the attention of streams; put in when the first one comes
        weakref.finalize(self, hooks.remove)

    @classmethod
    def of(cls, model: PreTrainedModel) -> Fittings:
        """The fittings of this model. Raises ComponentError for one whose parts can't be found."""
        known = cls._of.get(model)
        found = known() if known else None
        if found is None or found.holders.gone:
            found = cls(model)
            cls._of[model] = weakref.ref(found)
        return found

    def run(
        self,
        ids: Tensor,
        positions: Tensor,
        mask: Tensor | Attentions | None,
        layers: Collection[int],
        reads: Tensor | None = None,
        **options: Any,
    ) -> tuple[dict[int, Tensor], Any]:
        """Runs the transformer; returns hidden states ``b t d`` at `layers`, and its output, None if left early."""
        if mask is not None:
            mask = of_layers(mask) if isinstance(mask, Tensor) else self._of_stream(mask, ids)
        blocks, base = self.anatomy.blocks, self.anatomy.base
        inner = {layer for layer in layers if layer < len(blocks)}
        out = None
        reading = self.early_exit.reading(inner, leave=len(blocks) not in layers)
        with reading as found, self.last_mlp.at(reads), padding_is_known(base):
            out = base(
                input_ids=ids,
                position_ids=positions,
                attention_mask=mask,
                use_cache=False,
                **options,
            )
        if out is not None:
            found[len(blocks)] = out.last_hidden_state
        shape = (*ids.shape, self.anatomy.config.hidden_size)
        if wrong := [layer for layer in layers if layer not in found or found[layer].shape != shape]:
            raise ComponentError(f"{type(self.model).__name__}: layer {wrong[0]} has no one state a token to read")
        return {layer: found[layer] for layer in layers}, out

    def _of_stream(self, attentions: Attentions, ids: Tensor) -> Tensor:
        if self._switch is None:
            self._switch = Switch(self.anatomy.blocks, self._hooks)
        return as_mask(attentions, ids.device)

    @torch.no_grad()
    def final_norm(self) -> nn.Module:
        """Finds the module that turns the last layer's output into the last hidden states. Raises ComponentError where
        it is more than one in a row."""
        ids = torch.arange(2, device=self.model.device)[None]
        seen: list[tuple[nn.Module, Any, Any]] = []
        hooks = Hooks()
        for module in self._around_blocks():
            hooks.after(module, lambda *call: seen.append(call))
        hooks.after(self.anatomy.blocks[-1], lambda *call: seen.append(call))
        try:
            with evaluating(self.model):
                last = self.run(ids, ids, None, [len(self.anatomy.blocks)])[0][len(self.anatomy.blocks)]
        finally:
            hooks.remove()
        return self._between(seen, last)

    def _between(self, seen: list[tuple[nn.Module, Any, Any]], last: Tensor) -> nn.Module:
        given = next(_first(out) for module, _, out in seen if module is self.anatomy.blocks[-1])
        if torch.equal(given, last):
            return nn.Identity()
        for module, args, out in seen:
            if args and _same(args[0], given) and _same(out, last):
                return module
        raise ComponentError(
            f"{type(self.model).__name__}: can't find its final norm, so no layer can be read as logits"
        )

    def _around_blocks(self) -> list[nn.Module]:
        inside = {part for block in self.anatomy.blocks for part in block.modules()}
        return [module for module in self.anatomy.base.modules() if inside.isdisjoint(module.modules())]


def _first(out: Any) -> Tensor:
    return out[0] if isinstance(out, tuple | list) else out


def _same(value: object, other: Tensor) -> bool:
    return isinstance(value, Tensor) and value.numel() == other.numel() and torch.equal(value.view_as(other), other)


@contextmanager
def padding_is_known(base: object) -> Iterator[None]:
    """Keeps the model, in this context, from searching its input for padding to warn of. The search would wait for the
    device, and the layouts know where padding is."""
    name = "warn_if_padding_and_no_attention_mask"
    if not hasattr(base, name) or torch.compiler.is_compiling():  # dynamo can't follow, and compiled code does not look
        yield
        return
    setattr(base, name, _says_nothing)
    try:
        yield
    finally:
        delattr(base, name)


def _says_nothing(*args: Any, **kwargs: Any) -> None:
    """Stands in for a warning."""
