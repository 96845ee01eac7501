"""A registry of a few components, as the recipe sees one, without torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Literal

from jepa_core.errors import ComponentError, did_you_mean


class Cosine:
    """1 - cos."""

    def __init__(self, eps: float = 1e-8):
        self.eps = eps


def parity(context: object, first_relation_token_id: int | None = None) -> str:
    return "parity"


def table(context: object, path: str) -> str:
    """Inverses from a file."""
    return path


def block_causal() -> str:
    return "block_causal"


def last_token(layer: int = -1) -> int:
    return layer


def identity() -> str:
    return "identity"


def spread(weight: float = 1.0) -> float:
    return weight


def hardest(count: int = 10) -> int:
    return count


def sample_type(keep: Sequence[str] = ("train",)) -> list[str]:
    return list(keep)


def loss_dropout(rate: float = 0.0, level: Literal["sample", "step"] = "sample") -> float:
    return rate


def unanswered(share: float = 0.1) -> float:
    return share


def reversal_curse(context: object, path: str | None = None, entities: int = 100) -> object:
    return path


COMPONENTS: dict[str, dict[str, Callable[..., Any]]] = {
    "reversal": {"parity": parity, "table": table},
    "mask": {"block_causal": block_causal},
    "embedding": {"last_token": last_token},
    "predictor": {"identity": identity},
    "distance": {"cosine": Cosine, "l2": lambda: "l2"},
    "regularizer": {"spread": spread},
    "filter": {"sample_type": sample_type, "loss_dropout": loss_dropout},
    "evaluation": {"hardest": hardest},
    "rehearsal": {"unanswered": unanswered},
    "dataset": {"reversal_curse": reversal_curse},
}


@dataclass
class FakeRegistry:
    broken: list[Any] = field(default_factory=list)

    def names(self, kind: str) -> list[str]:
        return sorted(COMPONENTS[kind])

    def find(self, kind: str, name: str) -> Any:
        if name not in COMPONENTS[kind]:
            raise ComponentError(f"no {kind} is called '{name}'{did_you_mean(name, COMPONENTS[kind])}")
        factory = COMPONENTS[kind][name]
        return SimpleNamespace(
            kind=kind, name=name, distribution="jepa-core", version="0", factory=factory, summary=name
        )

    def describe(self) -> list[Any]:
        return [self.find(kind, name) for kind, names in COMPONENTS.items() for name in names]

    def distributions(self) -> dict[str, str]:
        return {"jepa-core": "0"}


def broken_plugin(distribution: str, cause: str) -> SimpleNamespace:
    plugin = SimpleNamespace(name=f"{distribution}:huber", distribution=distribution)
    return SimpleNamespace(plugin=plugin, cause=cause)
