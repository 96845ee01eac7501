"""Every trainer collects garbage; what was imported by then need not be gone through each time."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from tests.core.verify.breaking import tiny


@pytest.fixture(autouse=True, scope="package")
def imported() -> Iterator[None]:
    import jepa_core.training.trainer  # noqa: F401

    tiny()
    gc.freeze()
    yield
    gc.unfreeze()
