"""Paths as people write them: ``~`` is the home folder, wherever a path is given."""

from __future__ import annotations

import os
import re

#: ``~/x``, ``~name/x``, also after ``--option=`` or ``key=``, where no shell looks; a lone ``~`` is YAML's null.
_HOME = re.compile(r"^((?:--?)?[\w.-]+=)?(~[\w.-]*/.*)$", re.DOTALL)


def at_home(path: str) -> str:
    """Expands the ``~`` of `path`; that of an unknown user stays."""
    return os.path.expanduser(path)


def as_text(path: str) -> str:
    """Makes `path` fit for a text file: bytes that are not UTF-8 are written as escapes."""
    return path.encode("utf-8", "backslashreplace").decode()


def argument_at_home(argument: str) -> str:
    """Expands the ``~`` in an argument of a command line, also after ``--option=`` or ``key=``."""
    found = _HOME.match(argument)
    return f"{found[1] or ''}{at_home(found[2])}" if found else argument
