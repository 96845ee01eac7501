from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.registry.sites import Site, on_the_path


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with on_the_path(tmp_path / "site-packages", monkeypatch) as site:
        yield site
