"""The tensors that the core can supply to a distance that declares ``needs``.

Axes: ``n`` counted pairs, ``m`` candidates, ``d`` width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from torch import Tensor

from jepa_core.errors import ComponentError, did_you_mean
from jepa_core.objective.plan import PlannedPair

#: Makes a tensor of a pair of views and a function that makes the bank.
Supplier = Callable[[PlannedPair, Callable[[], Tensor]], Tensor | None]

SUPPLIERS: dict[str, Supplier] = {
    # n int64, equal where the targets have the same tokens: such pairs are no negatives
    "entity_ids": lambda pair, bank: pair.same,
    # m d, the target embedding of every candidate of the task, from the weights as they are, with gradient
    "bank": lambda pair, bank: bank(),
    # n int64, the number of each target in the bank
    "bank_index": lambda pair, bank: pair.candidate,
    # n a int64, of each pair the entity_ids of everything that answers its question, as training samples say, and its
    # own in the places left over
    "right_ids": lambda pair, bank: pair.right,
    # n a int64, the same as numbers of candidates
    "right_index": lambda pair, bank: pair.right_candidates,
}

#: Needs for which the objective has to know the task's candidates.
OF_CANDIDATES = {"bank", "bank_index", "right_index"}
#: Needs for which it has to know which answers a question has.
OF_RIGHT = {"right_ids", "right_index"}


def supply(needs: Sequence[str], pair: PlannedPair, bank: Callable[[], Tensor]) -> dict[str, Tensor]:
    """Supplies the tensors that the distance asked for, by name."""
    found = {need: SUPPLIERS[need](pair, bank) for need in needs}
    return {need: value for need, value in found.items() if value is not None}


def check_needs(needs: Sequence[str], owner: object) -> None:
    """Raises ComponentError for a need that nothing supplies."""
    for need in needs:
        if need not in SUPPLIERS:
            raise ComponentError(
                f"{type(owner).__name__} needs '{need}', which nothing supplies{did_you_mean(need, SUPPLIERS)} "
                f"(there is: {', '.join(SUPPLIERS)})"
            )
