"""Asked to end: by a signal, by a terminal that is closed, by the end of who started us."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import pytest

from jepa_core.signals import Terminated, ending_on_signals, heard, stop_with_parent
from tests.children import in_child


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_unwinds(number):
    before = signal.getsignal(number)
    words = f"stopped by {number.name}; what was saved before is as it was"
    with pytest.raises(Terminated, match=words) as caught, ending_on_signals():
        os.kill(os.getpid(), number)
        time.sleep(10)
    assert caught.value.exit_status == 128 + number
    assert signal.getsignal(number) is before


def test_under_nohup_a_closed_terminal_is_no_reason_to_end():
    def act() -> None:
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        assert signal.SIGHUP not in heard()
        with ending_on_signals():
            os.kill(os.getpid(), signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN

    assert in_child(act) == 0


def test_elsewhere_than_in_the_main_thread_nothing_is_set():
    def act() -> None:
        with ending_on_signals():
            found.append(signal.getsignal(signal.SIGTERM))

    found: list[object] = []
    thread = threading.Thread(target=act)
    thread.start()
    thread.join()
    assert found == [signal.getsignal(signal.SIGTERM)]


def test_who_was_started_ends_when_the_starter_is_gone(tmp_path):
    """However it went: here by kill -9."""

    def starter() -> None:
        if os.fork() == 0:
            stop_with_parent(os.getppid(), every=0.01)
            (tmp_path / "ready").write_text(str(os.getpid()))
            try:
                with ending_on_signals():
                    time.sleep(60)
            except Terminated as error:
                (tmp_path / "ended").write_text(str(error.exit_status))
            os._exit(0)
        while not (tmp_path / "ready").exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)

    assert in_child(starter) == -signal.SIGKILL
    give_up = time.monotonic() + 60
    while not (tmp_path / "ended").exists() and time.monotonic() < give_up:
        time.sleep(0.01)
    assert (tmp_path / "ended").read_text() == "143"


def test_while_the_starter_lives_nothing_happens():
    def act() -> None:
        stop_with_parent(os.getppid(), every=0.01)
        time.sleep(0.1)
        sys.exit(7)

    assert in_child(act) == 7
