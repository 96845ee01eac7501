"""A loader's process goes on after a signal to all of them, and ends with the training process."""

from __future__ import annotations

import os
from typing import Any

import pytest
from torch.utils.data import DataLoader

from jepa_core.signals import SIGNALS
from jepa_core.training.loader_process import LoaderContext, ignore_signals


@pytest.fixture
def loading():
    """A loader with one process, as the Trainer's."""
    numbers: Any = range(40)
    return iter(
        DataLoader(numbers, num_workers=1, worker_init_fn=ignore_signals, multiprocessing_context=LoaderContext())
    )


def process_of(loading: Any) -> Any:
    return loading._workers[0]


def test_signals_do_not_end_it(loading):
    assert next(loading) == 0
    for number in SIGNALS:
        os.kill(process_of(loading).pid, number)
    assert [int(each) for each in loading] == list(range(1, 40))


def test_python_ends_it_when_it_exits(loading):
    """Does as multiprocessing does at exit with every process that is left; it then waits without limit."""
    assert next(loading) == 0
    process = process_of(loading)
    process._popen.terminate()
    process.join(60)
    assert process.exitcode == 0, "as PyTorch expects of one that did not fail"
