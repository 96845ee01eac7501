"""One side of the JEPA loss: an extractor, and the layers whose states it is given.

Axes: ``b t d`` states of a block, ``n d`` embeddings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from jepa_core.components import EmbeddingExtractor, declared
from jepa_core.model.transformer import Transformer
from jepa_core.objective.hidden import HiddenStates
from jepa_core.objective.plan import Plan, PlannedView


@dataclass(frozen=True)
class Side:
    """layers: counted from the front; together: are they handed over as a tuple (see
    :class:`~jepa_core.components.EmbeddingExtractor`)."""

    extract: EmbeddingExtractor
    layers: tuple[int, ...]
    together: bool

    @classmethod
    def of(cls, extract: EmbeddingExtractor, transformer: Transformer) -> Side:
        """Raises ComponentError when the model has no layer of a number that the extractor declares."""
        asked = declared("embedding", extract, "layer")
        together = isinstance(asked, tuple)
        return cls(extract, tuple(map(transformer.layer, asked if together else (asked,))), together)

    def __call__(self, states: Sequence[Tensor], valid: Tensor, roles: Tensor) -> Tensor:
        """``n d``, from the states ``n t d`` at each of the `layers`."""
        return self.extract(tuple(states) if self.together else states[0], valid, roles)

    def embed(self, view: PlannedView, plan: Plan, hidden: HiddenStates) -> Tensor:
        """``n d``: the embedding of a view."""
        states = [hidden[layer].view(view) for layer in self.layers]
        return self(states, view.select, plan.blocks[view.block].roles[view.rows])

    def reads(self, view: PlannedView, plan: Plan) -> Tensor:
        """Places of the tokens of a view whose states matter, in the arrangement's flat order."""
        reads = declared("embedding", self.extract, "reads")
        select = view.select if reads is None else reads(view.select, plan.blocks[view.block].roles[view.rows])
        return plan.arrangement.places[view.block][view.rows][select]
