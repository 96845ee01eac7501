"""The process that :mod:`jepa_plugins.text.scoring.limited` starts: a task a line in, a result a line out."""

from __future__ import annotations

import json
import resource
import signal
import sqlite3
import sys
from collections.abc import Callable
from typing import Any

#: How a task refuses what it was given. RecursionError: thousands of brackets.
REFUSALS = (ValueError, RecursionError, sqlite3.Error, sqlite3.Warning)


def regex() -> Callable[[str, str], str]:
    """Which lines both expressions describe: the ``same``, ``others``, or both ``none``."""
    from jepa_plugins.text.scoring.regex_machine import compare

    return compare


def sql() -> Callable[[str, str, str], dict[str, Any]]:
    """Do both queries find the same in a database: the fields of a verdict."""
    from jepa_plugins.text.scoring.sql_results import compare

    return lambda *arguments: vars(compare(*arguments))


#: Each imports what it needs, which is not part of the task's time.
TASKS: dict[str, Callable[[], Callable[..., Any]]] = {"regex": regex, "sql": sql}


#: A task that waits instead of working has so many times its seconds.
PATIENCE = 20


def answer(line: str) -> dict[str, Any]:
    """The reply to one line. Timers, set for the task, end this process by the kernel's hand: processor time, so that
    what else the machine does changes no verdict."""
    seconds, task, arguments = json.loads(line)
    compare = TASKS[task]()
    _limit(seconds)
    try:
        return {"result": compare(*arguments)}
    except MemoryError:
        return {"error": "too little memory"}
    except REFUSALS as refusal:
        return {"error": str(refusal)}
    finally:
        _limit(0)


def _limit(seconds: float) -> None:
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE * seconds)


def main() -> None:
    memory = int(sys.argv[1])  # a task that needs more is refused it, and answers with an error
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    for line in sys.stdin:
        print(json.dumps(answer(line)), flush=True)


if __name__ == "__main__":
    main()
