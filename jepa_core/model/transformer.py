"""The one door to a Hugging Face causal language model: hidden states in, logits out, masks by layer."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from jepa_core.errors import ComponentError
from jepa_core.model.early_exit import EarlyExit, hidden_of, with_hidden
from jepa_core.model.fittings import Fittings
from jepa_core.model.hooks import Run
from jepa_core.model.only_reads import OnlyReads
from jepa_core.model.own_logits import OwnLogits
from jepa_core.model.positions import forget, position_tables, refuse_pretrained
from jepa_core.model.probe import detached
from jepa_core.model.routers import Routed, Routers
from jepa_core.model.stream_attention import Attentions
from jepa_core.model.stream_trial import StreamTrial
from jepa_core.model.trials import Trials
from jepa_core.model.windows import chunk, max_positions, windows

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from jepa_core.model.lockstep import Lockstep


class Transformer:
    """Gives the objective all that it needs of `model`, an unmodified Hugging Face causal language model.

    It works by hooks on the model's modules. They go when this object is closed or no longer used, and then the
    model is as it came; Transformers of one model share them. Raises ComponentError for a model whose parts cannot
    be found.
    """

    def __init__(self, model: PreTrainedModel):
        self.model = model
        self._fittings: Fittings | None = Fittings.of(model)
        anatomy = self._fittings.anatomy
        config = anatomy.config
        self.base: Any = anatomy.base
        self.lm_head: nn.Module = anatomy.output
        self.blocks: list[nn.Module] = anatomy.blocks
        self.num_layers: int = len(anatomy.blocks)
        self.vocab: int = config.vocab_size
        self.width: int = config.hidden_size
        self.max_positions: int | None = max_positions(config)
        #: For each layer, how many tokens it sees, itself included; None for all.
        self.windows: tuple[int | None, ...] = windows(config, self.num_layers)
        self.chunk: int | None = chunk(config, self.num_layers)
        self._own_logits = OwnLogits(model, anatomy)
        #: Set where the model is split among processes.
        self.lockstep: Lockstep | None = None
        self._hooks = self._fittings.holders.come()
        self._finalizer = weakref.finalize(self, self._hooks.remove)

    def __call__(
        self,
        ids: Tensor,
        positions: Tensor,
        mask: Tensor | Attentions | None,
        layers: Collection[int],
        reads: Tensor | None = None,
    ) -> dict[int, Tensor]:
        """Runs the transformer; returns hidden states ``b t d`` at the `layers` (0 embeddings … n after the final
        norm).

        ids, positions: ``b t``; mask: additive ``b 1 t t``, or ``b n t t`` with one mask a layer, or None
        for plain causal attention, or of one row (b = 1) the attention of each layer. reads: the tokens, flat, whose
        final state is read; the others' may be left unfinished.
        """
        if self.max_positions is not None:
            positions = positions.clamp(max=self.max_positions - 1)  # only padding can be beyond
        if self.lockstep is not None:
            self.lockstep.before(self)
            layers = {*layers, *self.lockstep.layers}
        options = self.routers.options if "routers" in self.__dict__ else {}
        found, out = self._open.run(ids, positions, mask, layers, None if options else self._useful(reads), **options)
        if options:
            self.routers.note(out)
        if self.lockstep is not None:
            self.lockstep.after(found)
        return found

    def together(self) -> AbstractContextManager[None]:
        """A context in which processes that share one model may run different numbers of passes, without gradient."""
        return nullcontext() if self.lockstep is None else self.lockstep.together()

    def whole(self) -> AbstractContextManager[None]:
        """A context in which each process has all weights of a split model, to run it alone, without gradient."""
        return nullcontext() if self.lockstep is None else self.lockstep.whole()

    def one_token(self, layers: Collection[int]) -> dict[int, Tensor]:
        """Runs a token that stands alone; returns its states."""
        ids = torch.zeros(1, 1, dtype=torch.int64, device=self.model.device)
        return self._open.run(ids, ids, None, layers)[0]

    def close(self) -> None:
        """Takes the hooks off, so that the model is as it came. A closed Transformer can't run."""
        self._finalizer()
        self._fittings = None
        self.__dict__.pop("_trials", None)  # they hold the fittings too

    def __enter__(self) -> Transformer:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __deepcopy__(self, memo: dict) -> Transformer:
        raise TypeError("a Transformer can't be copied; copy the model, and make another of the copy")

    @property
    def sliding_window(self) -> int | None:
        """The narrowest of the layers' windows."""
        return min((window for window in self.windows if window is not None), default=None)

    @property
    def early_exit(self) -> EarlyExit:
        return self._open.early_exit

    @property
    def last_mlp(self) -> OnlyReads:
        return self._open.last_mlp

    def after_layer(self, layer: int, run: Run) -> None:
        """Calls ``run(block, args, kwargs)`` with the block that comes after this `layer`, until closed.

        run: returns None, or other args and kwargs for that block.
        """
        self._hooks.before(self.blocks[layer], run)

    def detach_after(self, layer: int) -> None:
        """Lets no gradient flow, until closed, back through the states after this `layer`."""
        self.after_layer(layer, _detach)

    def forget_positions(self) -> None:
        """Makes tables of position embeddings give zeros, until closed; they are saved as zeros and not trained. Rotary
        embeddings do nothing at position 0. Raises ComponentError for a pretrained model, whose table means something.
        """
        tables = position_tables(self.model, self.base)
        refuse_pretrained(self.model, tables)
        for table in tables:
            forget(table, self._hooks)

    def logits(self, hidden: Tensor) -> Tensor:
        """``… d`` to ``… v``, scaled and capped as the model's own forward does it."""
        return self._own_logits(hidden)

    def layer_logits(self, hidden: Tensor, layer: int) -> Tensor:
        """Logits read off an inner layer: through the final norm and the output embedding (the "logit lens")."""
        return self.logits(hidden if layer == self.num_layers else self.final_norm(hidden))

    @cached_property
    def final_norm(self) -> nn.Module:
        """The final norm. Raises ComponentError where it can't be found."""
        return self._open.final_norm()

    def layer(self, number: int) -> int:
        """Counts a layer from the front; raises ComponentError when there is none of this number."""
        if not -self.num_layers - 1 <= number <= self.num_layers:
            raise ComponentError(f"layer {number}: this model has layers 0 (embeddings) to {self.num_layers}")
        return number % (self.num_layers + 1)

    @cached_property
    def readable(self) -> tuple[int, ...]:
        """The layers whose states can be read, where a token has exactly one; the last layer is always among them."""
        return self._trials.readable_layers()

    @cached_property
    def routers(self) -> Routers:
        """The load-balancing loss of a mixture of experts."""
        return Routers(self.model, self._open.anatomy, self._own_logits)

    def routing(self) -> AbstractContextManager[list[Routed]]:
        """A context with a list; calls that run through all layers add to it what the routers said."""
        return self.routers.gathering()

    def check(self, positions: str = "continue", packed: bool = False, by_layer: bool = False) -> None:
        """Tries with four tokens whether logits made here are the model's own, it is causal, and can do what is asked.

        positions: the recipe's; packed: whether several blocks share a row; by_layer: whether each layer has another
        mask. Raises ComponentError where not.
        """
        self._trials.check(self.logits)
        self.look()
        if packed:
            self.refuse_masks(by_layer)
        self._trials.refuse_positions(positions, packed)

    @property
    def mask_problem(self) -> str | None:
        """The reason why a mask of ours does not decide what this model's tokens see; None where it does."""
        return self._mask_problem(by_layer=False)

    def refuse_masks(self, by_layer: bool = False) -> None:
        """Raises ComponentError where a mask of ours (or one a layer) does not decide what this model's tokens see."""
        if problem := self._mask_problem(by_layer):
            kind = "one mask a layer" if by_layer or len(set(self.windows)) > 1 else "a mask"
            raise ComponentError(f"{self._name} can't be given {kind} ({problem}); use layout: rows under a plain mask")

    def _mask_problem(self, by_layer: bool) -> str | None:
        each = by_layer or len(set(self.windows)) > 1
        return self._trials.layer_mask_problem if each else self._trials.mask_problem

    def refuse_branches(self) -> None:
        """Raises ComponentError where predictor tokens can't go on from a prefix of a sample, apart from its rest."""
        if problem := self._trials.branch_problem:
            raise ComponentError(
                f"{self._name} can't go on from a prefix of a sample in its row ({problem}); use views that are blocks "
                "of their own, or no predictor tokens"
            )

    def stream_problem(self, attentions: Callable[[int], Attentions]) -> str | None:
        """Says why it can't run rows as one stream; None where it can. attentions: for two rows of so many tokens."""
        return StreamTrial(self._open).problem(attentions)

    def look(self) -> None:
        """Tries whether the last MLP can be left out where nothing reads its result; until then it is not."""
        if self.last_mlp.works is None:
            self.last_mlp.works = self._trials.reads_work()

    @cached_property
    def _trials(self) -> Trials:
        return Trials(self._open)

    def _useful(self, reads: Tensor | None) -> Tensor | None:
        """The `reads` where the last MLP can run at them alone; None where it has to run everywhere."""
        again = getattr(self.blocks[-1], "gradient_checkpointing", False)
        return reads if self.last_mlp.works and not again else None

    @property
    def _name(self) -> str:
        return type(self.model).__name__

    @property
    def _open(self) -> Fittings:
        if self._fittings is None:
            raise RuntimeError("this Transformer is closed: its hooks are no longer on the model")
        return self._fittings


def _detach(module: nn.Module, args: tuple, kwargs: dict[str, Any]) -> tuple[tuple, dict[str, Any]]:
    return with_hidden(detached(hidden_of(args, kwargs)), args, kwargs)
