"""Tests in a browser take part where there is one."""

from __future__ import annotations

import shutil
from importlib.util import find_spec

import pytest


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves out what is marked ``browser`` where one is missing, unless it is asked for by ``-m browser``."""
    there = shutil.which("chromium") and shutil.which("chromedriver") and find_spec("selenium")
    if there or "browser" in config.option.markexpr:
        return
    left_out = [item for item in items if item.get_closest_marker("browser")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("browser")]
