"""The size of a generated task; light to import, for the command line's help."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

from jepa_core import DataError

#: The most entities times relation pairs times partners, 4 bytes each while they are drawn; and of a task that isn't
#: packed, whose facts take about 300 bytes each while they are made.
MOST, MOST_IN_MEMORY = 200_000_000, 10_000_000
#: The most tokens; each has a name in memory and a row in the model's embedding table.
MOST_TOKENS = 10_000_000
MOST_NAME_TOKENS = 8


@dataclass(frozen=True)
class TaskSize:
    """The size of a generated task; names and defaults are the options of ``reversal_curse``.

    entities_both_ways: entities whose facts are trained in both directions; entities_one_way: those whose
    facts are trained in one; relation_pairs: each pairs the entities anew; name_multiplicity: how many
    entities share each first and each last name (None: one token an entity, shared by nobody);
    evaluation_samples: the most facts in each evaluation split; name_tokens: tokens of a shared name, those between
    the first and the last shared by as many entities; partners: right answers of a
    question.

    Raises DataError for sizes that no task can be made with.
    """

    entities_both_ways: int = 1000
    entities_one_way: int = 200
    relation_pairs: int = 2
    name_multiplicity: int | None = 10
    evaluation_samples: int = 3000
    name_tokens: int = 2
    partners: int = 1

    def __post_init__(self) -> None:
        for option in ("entities_both_ways", "entities_one_way"):
            if (value := getattr(self, option)) < 2 or value % 2:
                raise DataError(f"{option}: expected an even number from 2 on (relations pair them), not {value}")
        for option in ("relation_pairs", "evaluation_samples"):
            if (value := getattr(self, option)) < 1:
                raise DataError(f"{option}: expected 1 or more, not {value}")
        if not 2 <= self.name_tokens <= MOST_NAME_TOKENS:
            raise DataError(f"name_tokens: expected 2 to {MOST_NAME_TOKENS}, not {self.name_tokens}")
        if self.name_multiplicity is None and self.name_tokens != 2:
            raise DataError("name_tokens: has no effect where names are not shared (name_multiplicity): leave out")
        self._check_partners()
        self._refuse_above(MOST)
        if self.name_multiplicity is not None:
            self._check_names(self.name_multiplicity)
        if self.tokens > MOST_TOKENS:
            raise DataError(f"{self._largest}: expected at most {MOST_TOKENS:,} tokens, not {self.tokens:,}")

    def refuse_in_memory(self) -> None:
        """Raises DataError for a task too large for memory, which has to be packed."""
        self._refuse_above(MOST_IN_MEMORY, "; pack a larger one with 'jepa-run data generate --packed'")

    @property
    def tokens(self) -> int:
        """The number of tokens of names and relations."""
        shared_by = self.name_multiplicity
        names = self.entities if shared_by is None else self.name_tokens * (self.entities // shared_by)
        return names + 2 * self.relation_pairs

    def _refuse_above(self, most: int, more: str = "") -> None:
        if (size := self.entities * self.relation_pairs * self.partners) > most:
            each = " times partners" if self.partners > 1 else ""
            raise DataError(
                f"{self._largest}: expected at most {most:,} entities times relation pairs{each}, not {size:,}{more}"
            )

    @property
    def _largest(self) -> str:
        """The option to blame for too large a task."""
        options = ("entities_both_ways", "entities_one_way", "relation_pairs")
        return max(options, key=lambda option: getattr(self, option))

    @property
    def entities(self) -> int:
        return self.entities_both_ways + self.entities_one_way

    def _check_partners(self) -> None:
        """Raises DataError for partners beyond a quarter of the other side's entities, where choices run out."""
        most = max(1, min(self.entities_both_ways, self.entities_one_way) // 8)
        if not 1 <= self.partners <= most:
            raise DataError(
                f"partners: expected 1 to {most} (an eighth of the smaller group of entities), not {self.partners}"
            )

    def _check_names(self, shared_by: int) -> None:
        """Raises DataError unless n / m first and as many last names make n entities: (n / m)² must be n or more."""
        possible = [m for m in range(1, isqrt(self.entities) + 1) if self.entities % m == 0]
        if shared_by not in possible:
            raise DataError(
                f"name_multiplicity: expected {', '.join(map(str, possible))} (or null: no shared names) for "
                f"{self.entities} entities, not {shared_by}"
            )
