"""Trials of a model with a few tokens, to see what it does with masks and position ids.

What a token sees is decided by gradients, which are exactly zero where it sees nothing, and not by values, which
rounding moves; so a mixture of experts, whose rounding depends on which tokens share an expert, is no leak.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from jepa_core.errors import ComponentError
from jepa_core.model.fittings import padding_is_known
from jepa_core.model.trying import Trying, short
from jepa_core.model.windows import windows


class Trials(Trying):
    """Tries what a model does, and remembers it."""

    # --- what must hold

    def check(self, logits: Callable[[Tensor], Tensor]) -> None:
        """Raises ComponentError for a model that can't run, is not causal, or makes other logits than `logits` does."""
        with self._trying():
            try:
                self._check_layers()
                self._check_logits(logits)
                self._check_causal()
            except TypeError as error:
                told = "is no transformer with position ids and attention masks"
                raise ComponentError(f"{self._name} {told}: {short(error)}") from error
            except (RuntimeError, ValueError, IndexError, AttributeError, KeyError, AssertionError) as error:
                raise ComponentError(f"{self._name} can't run this configuration: {short(error)}") from error

    def refuse_positions(self, positions: str, packed: bool) -> None:
        """Raises ComponentError where the model can't number tokens in this way; see :meth:`Transformer.check`."""
        if positions == "none" and (problem := self.order_problem()):
            raise ComponentError(f"{self._name} can't do without positions: {problem}")
        counts = positions != "none" and not self.takes_positions and self.numbers_tokens
        if counts and (packed or positions != "restart"):
            raise ComponentError(
                f"{self._name} takes no position ids and counts tokens from the start of each row; use "
                "positions: restart with layout: rows"
            )

    def _check_layers(self) -> None:
        """Checks that the layers found are those that run, each once."""
        ran: list[Any] = []
        handles = [b.register_forward_pre_hook(lambda block, args: ran.append(block)) for b in self._blocks]
        try:
            states = self._states(self._ids)
        finally:
            for handle in handles:
                handle.remove()
        if [id(block) for block in ran] != [id(block) for block in self._blocks]:
            raise ComponentError(f"{self._name}: its {self._last} layers do not run once each, one after another")
        if not states.isfinite().all():
            raise ComponentError(f"{self._name}: its hidden states are not finite numbers")

    @torch.no_grad()
    def _check_logits(self, logits: Callable[[Tensor], Tensor]) -> None:
        ours = logits(self._states(self._ids))
        for given in ({"position_ids": self._positions}, {}):
            with padding_is_known(self._fittings.anatomy.base):
                own = self._model(input_ids=self._ids, use_cache=False, **given).logits
            far = float((own - ours).abs().max()) if own.shape == ours.shape else float("inf")
            if not far <= self._rounding * max(1.0, float(own.abs().max())):
                how = "when it counts positions in its own way than with 0, 1, 2, …"
                how = "than its output embedding makes of its hidden states" if given else how
                raise ComponentError(f"{self._name} makes other logits {how} (largest difference {far:.3g})")

    def _check_causal(self) -> None:
        (seen,) = self._influence(None, [self._last])
        if not seen.isfinite().all():
            raise ComponentError(f"{self._name}: its gradients are not finite numbers")
        changed = self._ids.clone()
        changed[:, -1] = (changed[:, -1] + 1) % self._fittings.anatomy.config.vocab_size
        with torch.no_grad():
            before, after = self._states(self._ids)[:, :-1], self._states(changed)[:, :-1]
        if bool(seen.triu(1).any()) or not self._alike(before, after):
            hint = (
                "; set is_decoder: true" if getattr(self._fittings.anatomy.config, "is_decoder", True) is False else ""
            )
            raise ComponentError(f"{self._name} is not causal: a token sees the ones after it{hint}")

    # --- what some recipes need

    @cached_property
    def mask_problem(self) -> str | None:
        """The reason why a mask of ours does not decide what this model's tokens see; None where it does."""
        alone = torch.eye(self._count, dtype=torch.bool)
        return self._tried(lambda: self._mask_problem(alone[None]) or self._explicit_problem())

    @cached_property
    def layer_mask_problem(self) -> str | None:
        """The reason why one mask a layer does not decide what tokens see; None where it does."""
        alone, all_before = torch.eye(self._count).bool(), torch.ones(self._count, self._count).tril().bool()
        stack = torch.stack([alone] * (self._last - 1) + [all_before])
        return self.mask_problem or self._tried(lambda: self._mask_problem(stack))

    @cached_property
    def branch_problem(self) -> str | None:
        """The reason why tokens can't stand further back in a row than their position ids say; None where they can."""
        unlike = len(set(windows(self._fittings.anatomy.config, self._last))) > 1
        if problem := self.layer_mask_problem if unlike else self.mask_problem:
            return problem
        return None if self.takes_positions or self.order_problem() is None else "it counts places, not position ids"

    def _mask_problem(self, masks: Tensor) -> str | None:
        """Tries masks, ``n t t`` or ``1 t t``, in which all layers but the last one let a token see itself alone."""
        layers = [self._last] if self._last == 1 or len(masks) == 1 else [self._last - 1, self._last]
        wanted = [masks[-1]] if len(layers) == 1 else [masks[0], masks[-1]]
        for seen, may in zip(self._influence(self._additive(masks), layers), wanted, strict=True):
            if not torch.equal(seen.cpu() != 0, may):
                return "a token sees others than the mask says"
        return None

    @torch.no_grad()
    def _explicit_problem(self) -> str | None:
        places = torch.arange(self._count)
        distance = places[:, None] - places
        widths = windows(self._fittings.anatomy.config, self._last)
        near = [distance < (self._count if width is None else width) for width in widths]
        causal = (distance >= 0) & torch.stack(near if len(set(widths)) > 1 else near[:1])
        explicit = self._states(self._ids, self._additive(causal))
        return None if self._alike(explicit, self._states(self._ids)) else "a causal mask of ours changes its states"

    @cached_property
    def takes_positions(self) -> bool:
        """Tells whether position ids change its states."""
        others = (self._positions + self._positions // 2 % 2).clamp(max=self._count - 1)
        with self._trying(), torch.no_grad():
            first, second = (
                self._fittings.anatomy.base(
                    input_ids=self._ids,
                    position_ids=positions,
                    attention_mask=torch.ones_like(self._ids),  # without one, gaps would be taken for several sequences
                    use_cache=False,
                ).last_hidden_state
                for positions in (self._positions, others)
            )
        return not torch.equal(first, second)

    @cached_property
    def numbers_tokens(self) -> bool:
        """Tells whether equal tokens come in unequal, by their place in the row."""
        with self._trying(), torch.no_grad():
            found, _ = self._fittings.run(self._ids * 0, self._positions, None, [0])
        return not torch.equal(found[0], found[0][:, :1].expand_as(found[0]))

    @torch.no_grad()
    def order_problem(self) -> str | None:
        """Says why tokens at one position still have an order; None where they have none: the last token sees the first
        one as it sees that one in second place."""

        def seen_at(place: int) -> Tensor:
            ids, mask = self._ids, torch.eye(self._count, dtype=torch.bool)
            mask[-1, place] = True
            turned = torch.cat([ids[:, :2].flip(1), ids[:, 2:]], dim=1) if place else ids
            return self._states(turned, self._additive(mask[None]), self._positions * 0)[:, -1]

        def order() -> str | None:
            alike = self._alike(seen_at(0), seen_at(1), share=self._rounding / 10)
            return None if alike else "it tells the order of tokens by other means"

        return self.mask_problem or self._tried(order)

    @torch.no_grad()
    def readable_layers(self) -> tuple[int, ...]:
        """Finds the layers that can be read: between the layers of some models a token has several states."""

        def problem(layer: int) -> str | None:
            return self._tried(lambda: self._fittings.run(self._ids, self._positions, None, [layer]) and None)

        return (*(layer for layer in range(self._last) if problem(layer) is None), self._last)

    @torch.no_grad()
    def reads_work(self) -> bool:
        """Tells whether the last MLP, run at some tokens only, gives there what it gives when run at all of them."""
        reads = torch.arange(0, self._count, 2, device=self._ids.device)

        def same() -> str | None:
            some, _ = self._fittings.run(self._ids, self._positions, None, [self._last], reads)
            alike = self._alike(some[self._last][:, reads], self._states(self._ids)[:, reads])
            return None if alike else "differs"

        return self._tried(same) is None
