"""One thread a test process: several share the cores, and sums in another order are other bits.

A closed terminal ends a run, under ``nohup`` it does not; the tests mean the first, however they were started.

What was imported while tests were collected is there to stay: the garbage collector, which every trainer calls and
every fork would copy memory for, need not go through it again. Nor does a test wait for the disk: only a power cut
could tell, and those that read the order of what is done hear of every sync.

Tests in a browser take part where there is one.
"""

import gc
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest

from tests import browsing

os.environ["OMP_NUM_THREADS"] = "1"
os.fsync = os.fstat  # type: ignore[assignment]  # which also refuses what is no open file
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
with suppress(ImportError):  # scripts/gpu_check.sh needs pytest alone
    from hypothesis import settings

    settings.register_profile("unhurried", deadline=None)
    settings.load_profile("unhurried")

#: Files of few long tests: first, so that no process is left alone with them in the end.
LONG = ("tests/scripts/", "tests/end_to_end/", "tests/thirdparty/", "tests/core/launch/", "tests/core/cli/")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long ones first; what is marked ``browser`` is left out where one is missing, unless ``-m browser`` asks for it."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))
    if browsing.there() or "browser" in config.option.markexpr:
        return
    left_out = [item for item in items if item.get_closest_marker("browser")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("browser")]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    driver = browsing.started()
    yield driver
    driver.quit()


FROZEN = pytest.StashKey[bool]()


def pytest_collection_finish(session: pytest.Session) -> None:
    if "PYTEST_CURRENT_TEST" not in os.environ:  # no session that a test of this one starts
        gc.collect()
        gc.freeze()
        session.config.stash[FROZEN] = True


def pytest_sessionfinish(session: pytest.Session) -> None:
    if session.config.stash.get(FROZEN, False):
        gc.unfreeze()
