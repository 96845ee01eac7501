"""How big a generated task is; light to import, for the command line's help."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

from jepa_core import DataError


@dataclass(frozen=True)
class TaskSize:
    """The size of a generated task; names and defaults are the options of ``reversal_curse``.

    entities_both_ways: entities whose facts are trained in both directions; entities_one_way: those whose
    facts are trained in one; relation_pairs: each pairs the entities anew; name_multiplicity: how many
    entities share each first and each last name (None: one token an entity, shared by nobody);
    evaluation_samples: at most so many facts in each evaluation split.

    Raises DataError for sizes from which no task can be made.
    """

    entities_both_ways: int = 1000
    entities_one_way: int = 200
    relation_pairs: int = 2
    name_multiplicity: int | None = 10
    evaluation_samples: int = 3000

    def __post_init__(self) -> None:
        for option in ("entities_both_ways", "entities_one_way"):
            if (value := getattr(self, option)) < 2 or value % 2:
                raise DataError(f"{option}: expected an even number from 2 on (relations pair them), not {value}")
        for option in ("relation_pairs", "evaluation_samples"):
            if (value := getattr(self, option)) < 1:
                raise DataError(f"{option}: expected 1 or more, not {value}")
        if self.name_multiplicity is not None:
            self._check_names(self.name_multiplicity)

    @property
    def entities(self) -> int:
        return self.entities_both_ways + self.entities_one_way

    def _check_names(self, shared_by: int) -> None:
        """n / m first and as many last names make up to (n / m)² entities, which must be n or more."""
        possible = [m for m in range(1, isqrt(self.entities) + 1) if self.entities % m == 0]
        if shared_by not in possible:
            raise DataError(
                f"name_multiplicity: expected {', '.join(map(str, possible))} (or null: no shared names) for "
                f"{self.entities} entities, not {shared_by}"
            )
