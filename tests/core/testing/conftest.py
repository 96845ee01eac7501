"""Running the specimens of a kind of component, once for all tests of a module."""

from __future__ import annotations

from pathlib import Path

import pytest

from .specimens import Failures

FOLDER = Path(__file__).parent
QUIET = ["-q", "-o", "addopts=", "-p", "no:xdist", "-p", "no:cacheprovider", "--no-header", "--tb=short"]


@pytest.fixture(scope="module")
def failures(request):
    """The failures of the specimens beside the requesting module: test_mask.py runs mask_specimens.py."""
    name = request.path.stem.removeprefix("test_")
    found = Failures()
    pytest.main([*QUIET, str(FOLDER / f"{name}_specimens.py")], plugins=[found])
    return found
