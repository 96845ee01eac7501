"""Views: what a reversal strategy makes of facts."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from jepa_core.samples.samples import Facts


@dataclass(frozen=True)
class Part:
    """A view that is the fact itself or a part of it; it costs no tokens.

    select: ``b s`` bool, the tokens of the fact that make up the view.
    """

    select: Tensor


@dataclass(frozen=True)
class NewBlock:
    """A view of new tokens; they go through the transformer as a block of their own.

    facts: as many rows as the facts it was made from; the width may differ. select: ``b s`` bool, the tokens that
    make up the view; None: all. labels: ``b s`` int64, unshifted as in a batch: the token's own id where next-token
    prediction is trained, elsewhere :data:`~jepa_core.samples.samples.IGNORE`; None: nowhere.
    """

    facts: Facts
    select: Tensor | None = None
    labels: Tensor | None = None

    @property
    def selected(self) -> Tensor:
        """``b s`` bool: the tokens that make up the view."""
        return self.facts.valid if self.select is None else self.select


View = Part | NewBlock


@dataclass(frozen=True)
class Views:
    """One or more (source, target) pairs for every sample.

    The source is the side that predicts. Predictor tokens belong to the source's block, after its last
    real token.
    """

    pairs: tuple[tuple[View, View], ...]
