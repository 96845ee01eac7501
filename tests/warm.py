"""Python in a forked child, as if typed in a shell: what the tests have imported need not be imported again.

Whether a fresh interpreter finds what is installed is for one test of each package; the others come here.
"""

from __future__ import annotations

import importlib
import os
import runpy
import site
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jepa_core.launch.run
import jepa_core.verify.verify  # noqa: F401 (both: what a command would import otherwise, each time)
from tests.children import Child


class Running:
    """``python -m MODULE …`` or ``python FILE …`` in a child; packages: a ``site-packages`` that it sees too."""

    def __init__(
        self,
        *arguments: str | Path,
        cwd: Path,
        packages: Path | None = None,
        environment: Mapping[str, str] | None = None,
    ):
        self.words = [str(argument) for argument in arguments]
        self.streams = [tempfile.TemporaryFile("w+") for _ in range(2)]  # noqa: SIM115 (closed by wait)

        def act() -> None:
            _speak_to(*(stream.fileno() for stream in self.streams))
            os.environ.update(environment or {})
            os.chdir(cwd)
            if packages is not None:
                site.addsitedir(str(packages))
                sys.path.insert(0, str(packages))
            try:
                _run(self.words)
            finally:
                sys.stdout.flush()
                sys.stderr.flush()

        self.child = Child(act)

    def wait(self, patience: float = 300.0) -> subprocess.CompletedProcess[str]:
        """Its exit status, and what it said."""
        status = self.child.wait(patience)
        said = []
        for stream in self.streams:
            with stream:
                stream.seek(0)
                said.append(stream.read())
        return subprocess.CompletedProcess(self.words, status, *said)


def python(*arguments: str | Path, **how: Any) -> subprocess.CompletedProcess[str]:
    """:class:`Running`, waited for."""
    return Running(*arguments, **how).wait()


def _speak_to(out: int, err: int) -> None:
    """Streams and warnings as a process has them at its start, without what pytest puts in their place."""
    with open(os.devnull) as nothing:
        os.dup2(nothing.fileno(), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    sys.stdin, sys.stdout, sys.stderr = (os.fdopen(fd, "w" if fd else "r", closefd=False) for fd in range(3))
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = sys.stdin, sys.stdout, sys.stderr
    importlib.reload(warnings)


def _run(words: list[str]) -> None:
    importlib.invalidate_caches()
    if words[0] == "-m":
        sys.argv = words[1:]
        sys.path.insert(0, "")
        sys.modules.pop(words[1], None)
        runpy.run_module(words[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = words
        sys.path.insert(0, str(Path(words[0]).resolve().parent))
        runpy.run_path(words[0], run_name="__main__")
