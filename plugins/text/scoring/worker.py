"""The process behind :mod:`jepa_plugins.text.scoring.limited`: a task a line in, a result a line out."""

from __future__ import annotations

import json
import resource
import signal
import sqlite3
import sys
from collections.abc import Callable
from typing import Any

#: Exceptions by which a task refuses its input. RecursionError: thousands of brackets.
REFUSALS = (ValueError, RecursionError, sqlite3.Error, sqlite3.Warning)


def regex() -> Callable[[str, str], str]:
    """The task that compares two expressions: ``same`` lines, ``others``, or ``none`` for both."""
    from jepa_plugins.text.scoring.regex_machine import compare_regexes

    return compare_regexes


def sql() -> Callable[[str, str, str], dict[str, Any]]:
    """The task that compares two queries in a database, and returns the fields of a verdict."""
    from jepa_plugins.text.scoring.sql_results import compare_queries

    return lambda *arguments: vars(compare_queries(*arguments))


#: Task -> a function that imports its needs, outside of the task's time, and returns the task.
TASKS: dict[str, Callable[[], Callable[..., Any]]] = {"regex": regex, "sql": sql}


#: Wall-clock seconds for each second of processor time, for a task that waits instead of working.
PATIENCE = 20


def answer(line: str) -> dict[str, Any]:
    """Replies to one line. Timers set for the task let the kernel end this process; they count processor time, so that
    the machine's other work changes no verdict."""
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
