"""Hidden states of a plan's tokens, wherever the layout put them."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from jepa_core.objective.plan import PlannedView


@dataclass(frozen=True)
class LayerStates:
    """The states of one layer. flat: ``f d``, tokens of all calls; places: for each block, ``m w``, its tokens there.

    Indexed by block: ``m w d``. At padding stands some token's state, which means nothing.
    """

    flat: Tensor
    places: tuple[Tensor, ...]

    def __getitem__(self, block: int) -> Tensor:
        return self._at(self.places[block])

    def __len__(self) -> int:
        return len(self.places)

    def at(self, block: int, rows: Tensor, columns: Tensor) -> Tensor:
        """``l d``: states at these rows and columns, ``l`` each, of a block."""
        return self._at(self.places[block][rows, columns])

    def view(self, view: PlannedView) -> Tensor:
        """``n w d``: all columns of the rows that the view is in."""
        return self._at(self.places[view.block][view.rows])

    def _at(self, places: Tensor) -> Tensor:
        return self.flat.index_select(0, places.flatten()).view(*places.shape, self.flat.shape[-1])


HiddenStates = dict[int, LayerStates]
