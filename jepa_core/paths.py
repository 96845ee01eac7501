"""Paths as people write them: ``~`` is the home folder, wherever a path is given."""

from __future__ import annotations

import os
import re

#: ``~/x``, ``~name/x``, also after ``--option=`` or ``key=``, where no shell looks; a lone ``~`` is YAML's null.
_HOME = re.compile(r"^((?:--?)?[\w.-]+=)?(~[\w.-]*/.*)$", re.DOTALL)


def at_home(path: str) -> str:
    """`path` with its ``~`` written out; one of a user that is not known stays."""
    return os.path.expanduser(path)


def as_text(path: str) -> str:
    """`path` for a file of text: bytes in it that are no UTF-8 are spelled."""
    return path.encode("utf-8", "backslashreplace").decode()


def argument_at_home(argument: str) -> str:
    """The same for an argument of a command line, whatever stands before the path in it."""
    found = _HOME.match(argument)
    return f"{found[1] or ''}{at_home(found[2])}" if found else argument
