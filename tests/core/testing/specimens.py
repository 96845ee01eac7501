"""What the tests of the kit share."""

from __future__ import annotations

from types import ModuleType

from jepa_core.testing.contract import ComponentContract

from .conftest import Failures


def specimens(module: ModuleType) -> list[type[ComponentContract]]:
    """The contract subclasses of a module, those that must pass first."""
    found = [c for n, c in vars(module).items() if n.startswith("Test") and issubclass(c, ComponentContract)]
    return sorted(found, key=lambda c: len(getattr(c, "fails", ())))


def check(failures: Failures, specimen: type[ComponentContract]) -> None:
    """The inherited tests that failed are the ones that the specimen says, and each names its clause."""
    name, expected = specimen.__name__, set(getattr(specimen, "fails", ()))
    assert name in failures.seen
    failed = failures.failed.get(name, {})
    if getattr(specimen, "fails_wherever_called", False):
        assert expected <= failed.keys()
    else:
        assert failed.keys() == expected
        assert all("The contract says: " in text for text in failed.values())
