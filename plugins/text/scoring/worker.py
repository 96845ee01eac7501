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


def regex(one: str, other: str) -> str:
    """Which lines both expressions describe: the ``same``, ``others``, or both ``none``."""
    from jepa_plugins.text.scoring.regex_machine import compare

    return compare(one, other)


def sql(database: str, query: str, expected: str) -> dict[str, Any]:
    """Do both queries find the same in a database: the fields of a verdict."""
    from jepa_plugins.text.scoring.sql_results import compare

    return vars(compare(database, query, expected))


TASKS: dict[str, Callable[..., Any]] = {"regex": regex, "sql": sql}


def answer(line: str) -> dict[str, Any]:
    """The reply to one line. The alarm, set for the time of the task, ends this process by the kernel's hand."""
    seconds, task, arguments = json.loads(line)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        return {"result": TASKS[task](*arguments)}
    except MemoryError:
        return {"error": "too little memory"}
    except REFUSALS as refusal:
        return {"error": str(refusal)}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def main() -> None:
    memory = int(sys.argv[1])  # a task that needs more is refused it, and answers with an error
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    for line in sys.stdin:
        print(json.dumps(answer(line)), flush=True)


if __name__ == "__main__":
    main()
