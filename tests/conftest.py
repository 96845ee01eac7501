"""One thread a test process: several share the cores, and sums in another order are other bits.

A closed terminal ends a run, under ``nohup`` it does not; the tests mean the first, however they were started.

What was imported while tests were collected is there to stay: the garbage collector, which every trainer calls and
every fork would copy memory for, need not go through it again. Nor does a test wait for the disk: only a power cut
could tell, and those that read the order of what is done hear of every sync.
"""

import gc
import os
import signal
from collections.abc import Iterator

import pytest

os.environ["OMP_NUM_THREADS"] = "1"
os.fsync = os.fstat  # type: ignore[assignment]  # which also refuses what is no open file
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

#: Files of few long tests: first, so that no process is left alone with them in the end.
LONG = ("tests/scripts/", "tests/end_to_end/", "tests/thirdparty/", "tests/core/launch/", "tests/core/cli/")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))


def pytest_collection_finish() -> None:
    if not in_a_test():
        gc.collect()
        gc.freeze()


def pytest_sessionfinish() -> None:
    if not in_a_test():
        gc.unfreeze()


def in_a_test() -> bool:
    """Whether a test started this session."""
    return "PYTEST_CURRENT_TEST" in os.environ
