"""One side of a JEPA loss: an extractor, and the layer whose states it is given.

Axes: ``b t d`` states of a block, ``n d`` embeddings.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from jepa_core.components import EmbeddingExtractor, EmbeddingTraits
from jepa_core.errors import ComponentError
from jepa_core.model.transformer import Transformer
from jepa_core.objective.hidden import HiddenStates
from jepa_core.objective.plan import Plan, PlannedView


@dataclass(frozen=True)
class Side:
    """An extractor with its layer, counted from the front."""

    extract: EmbeddingExtractor
    layer: int

    @classmethod
    def of(cls, extract: EmbeddingExtractor, transformer: Transformer) -> Side:
        """Makes a side. Raises ComponentError when the model has no layer of the number that the extractor declares."""
        try:
            return cls(extract, transformer.layer(EmbeddingTraits.of(extract).layer))
        except ComponentError as error:
            raise ComponentError(f"{type(extract).__name__}: {error}") from error

    def embed(self, view: PlannedView, plan: Plan, hidden: HiddenStates) -> Tensor:
        """``n d``: the embedding of a view."""
        tags = plan.blocks[view.block].tags[view.rows]
        return self.extract(hidden[self.layer].view(view), view.select, tags)

    def reads(self, view: PlannedView, plan: Plan) -> Tensor:
        """Places of the tokens of a view whose states matter, in the arrangement's flat order."""
        reads = EmbeddingTraits.of(self.extract).reads
        select = view.select if reads is None else reads(view.select, plan.blocks[view.block].tags[view.rows])
        return plan.arrangement.places[view.block][view.rows][select]
