"""One thread a test process: several share the cores, and sums in another order are other bits.

A closed terminal ends a run, under ``nohup`` it does not; the tests mean the first, however they were started.
"""

import os
import signal

import pytest

os.environ["OMP_NUM_THREADS"] = "1"
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

#: Files of few long tests: first, so that no process is left alone with them in the end.
LONG = ("tests/scripts/", "tests/end_to_end/", "tests/thirdparty/", "tests/core/launch/", "tests/core/cli/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))
