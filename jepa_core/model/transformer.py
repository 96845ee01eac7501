"""The one door to a Hugging Face causal language model: hidden states in, logits out, masks by layer."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from jepa_core.errors import ComponentError
from jepa_core.model.early_exit import EarlyExit
from jepa_core.model.only_reads import OnlyReads

_NORM_NAMES = ("ln_f", "norm", "final_layer_norm", "final_layernorm")


class Transformer:
    """What the objective needs of `model`, an unmodified Hugging Face causal language model.

    Raises ComponentError for a model whose parts cannot be found, or whose logits are not its output
    embedding applied to its last hidden state (some models scale or cap them).
    """

    def __init__(self, model: Any):
        self.model = model
        self.base: Any = self.model.base_model
        self.lm_head: nn.Module = self.model.get_output_embeddings()
        config: Any = self.model.config
        self.num_layers: int = config.num_hidden_layers
        self.vocab: int = config.vocab_size
        self.width: int = config.hidden_size
        self.max_positions: int | None = getattr(config, "max_position_embeddings", None)
        self.sliding_window: int | None = getattr(config, "sliding_window", None)
        self.blocks = self._find_blocks()
        self.handles = [
            block.register_forward_pre_hook(_PickMask(number), with_kwargs=True)
            for number, block in enumerate(self.blocks)
        ]
        self.early_exit = EarlyExit(self.blocks)
        self.last_mlp = OnlyReads(getattr(self.blocks[-1], "mlp", None))

    def __call__(
        self,
        ids: Tensor,
        positions: Tensor,
        mask: Tensor | None,
        layers: Collection[int],
        reads: Tensor | None = None,
    ) -> dict[int, Tensor]:
        """Hidden states ``b t d`` at the `layers` asked for (0 embeddings … n after the final norm).

        ids, positions: ``b t``; mask: additive ``b 1 t t``, or ``b n t t`` with one mask a layer, or None
        for plain causal attention. reads: the tokens, flat, whose final state is read; the others' may be left
        unfinished. ``use_cache=False`` also spares the memory of keys and values.
        """
        if self.max_positions is not None:
            positions = positions.clamp(max=self.max_positions - 1)  # only padding can be beyond
        run = partial(self.base, input_ids=ids, position_ids=positions, attention_mask=mask, use_cache=False)
        if max(layers) < self.num_layers:
            with self.early_exit.after(layers) as found:
                run()
            return found
        inner = any(layer != self.num_layers for layer in layers)
        with self.last_mlp.at(None if getattr(self.blocks[-1], "gradient_checkpointing", False) else reads):
            out = run(output_hidden_states=inner)
        if not inner:
            return {self.num_layers: out.last_hidden_state}
        return {layer: out.hidden_states[layer] for layer in layers}

    @property
    def all_handles(self) -> list[RemovableHandle]:
        """Of every hook that is on the model."""
        return [*self.handles, *self.early_exit.handles, *self.last_mlp.handles]

    def close(self) -> None:
        """Takes every hook off the model again."""
        for handle in self.all_handles:
            handle.remove()

    def detach_after(self, layer: int) -> None:
        """From now on no gradient flows from what comes after this `layer` into it and what is below."""
        self.handles.append(self.blocks[layer].register_forward_pre_hook(_detach))

    def forget_positions(self) -> None:
        """Sets a table of position embeddings to zero, for good; rotary embeddings are none at position 0."""
        for module in self.base.modules():
            if isinstance(module, nn.Embedding) and module is not self.model.get_input_embeddings():
                nn.init.zeros_(module.weight).requires_grad_(False)

    def logits(self, hidden: Tensor) -> Tensor:
        """``… d`` to ``… v``."""
        return self.lm_head(hidden)

    def layer_logits(self, hidden: Tensor, layer: int) -> Tensor:
        """Logits read off an inner layer: through the final norm and the output embedding (the "logit lens")."""
        return self.lm_head(hidden if layer == self.num_layers else self.final_norm(hidden))

    @property
    def final_norm(self) -> nn.Module:
        for name in _NORM_NAMES:
            if isinstance(module := getattr(self.base, name, None), nn.Module):
                return module
        raise ComponentError(f"{type(self.model).__name__}: can't find its final norm ({', '.join(_NORM_NAMES)})")

    def layer(self, number: int) -> int:
        """A layer counted from the front; raises ComponentError when there is none of this number."""
        if not -self.num_layers - 1 <= number <= self.num_layers:
            raise ComponentError(f"layer {number}: this model has layers 0 (embeddings) to {self.num_layers}")
        return number % (self.num_layers + 1)

    @torch.no_grad()
    def check(self) -> None:
        """Runs three tokens, once: are the logits made here the model's own, and is it causal?

        Raises ComponentError where not, and for a model that takes no position ids or masks.
        """
        name, training = type(self.model).__name__, self.model.training
        self.model.eval()
        try:
            ids = torch.arange(3, device=self.model.device)[None]
            own = self.model(input_ids=ids, use_cache=False).logits
            ours = self.logits(self._last(ids))
            changed = self.logits(self._last(ids.where(ids != 2, 0)))
            self._check_reads(ids)
        except TypeError as error:
            raise ComponentError(f"{name} is no transformer with position ids and attention masks: {error}") from error
        finally:
            self.model.train(training)
        if not torch.allclose(own, ours, rtol=1e-3, atol=1e-4):
            raise ComponentError(
                f"{name} changes its logits after the output embedding (largest difference "
                f"{(own - ours).abs().max():.3g}); only models that don't are supported"
            )
        if not torch.equal(ours[:, :2], changed[:, :2]):
            raise ComponentError(f"{name} is not causal: a token sees the ones after it")

    def _check_reads(self, ids: Tensor) -> None:
        """A model whose last MLP can't be left out where nothing reads it always runs it everywhere."""
        reads = torch.tensor([0, 2], device=ids.device)
        try:
            same = torch.allclose(self._last(ids)[:, reads], self._last(ids, reads)[:, reads], rtol=1e-4, atol=1e-4)
        except Exception:  # whatever an unusual MLP makes of fewer tokens
            same = False
        self.last_mlp.works = same

    def _last(self, ids: Tensor, reads: Tensor | None = None) -> Tensor:
        positions = torch.arange(ids.shape[1], device=ids.device)[None]
        return self(ids, positions, None, [self.num_layers], reads)[self.num_layers]

    def _find_blocks(self) -> list[nn.Module]:
        for child in self.base.children():
            if isinstance(child, nn.ModuleList) and len(child) == self.num_layers:
                return list(child)
        raise ComponentError(f"{type(self.model).__name__}: can't find its {self.num_layers} layers")


def _detach(module: nn.Module, args: tuple) -> tuple:
    return (args[0].detach(), *args[1:])


class _PickMask:
    """Gives a layer its own mask out of a stack ``b n t t`` that came in as the model's mask argument.

    The stack travels as an argument, not as state, so gradient checkpointing recomputes with the right one.
    """

    def __init__(self, layer: int):
        self.layer = layer

    def __call__(self, module: nn.Module, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
        return tuple(map(self.pick, args)), {key: self.pick(value) for key, value in kwargs.items()}

    def pick(self, value: Any) -> Any:
        if isinstance(value, Tensor) and value.dim() == 4 and value.shape[1] > 1:
            return value[:, self.layer : self.layer + 1]
        return value
