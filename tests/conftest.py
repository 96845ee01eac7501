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


FROZEN = pytest.StashKey[bool]()


def pytest_collection_finish(session: pytest.Session) -> None:
    if "PYTEST_CURRENT_TEST" not in os.environ:  # no session that a test of this one starts
        gc.collect()
        gc.freeze()
        session.config.stash[FROZEN] = True


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.stash.get(FROZEN, False):
        gc.unfreeze()
