"""The git revision of the current folder, read without running anything that a checkout's own settings name.

``git describe --dirty`` asks what ``core.fsmonitor`` names, and filters that ``.git/config`` defines. A checkout
that somebody sent may name anything there, so the revision is read by hand, and whether files were changed is asked
of git with settings of our own.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from jepa_core.errors import JepaError
from jepa_core.folder.files import read_bytes

_HASH = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
#: Seconds that git may take to look for changed files.
PATIENCE = 10


def git_revision(start: Path | None = None) -> str | None:
    """Of the checkout around `start`, the current folder by default, with ``-dirty`` for changed files, or
    ``-unknown`` where nobody can say whether there are any; None outside of a checkout, and of one without a commit.
    """
    try:
        for folder in _upwards((start or Path()).absolute()):
            if os.path.lexists(folder / ".git"):
                own, common = _git_folders(folder)
                revision = _head(own, common)
                return revision + _state(folder, own, common, revision)
    except (OSError, ValueError, JepaError):  # not laid out as git does; what it is, is not known
        pass
    return None


def _upwards(folder: Path) -> Iterator[Path]:
    """The folder and those above it, up to where git itself would stop."""
    ceilings = os.environ.get("GIT_CEILING_DIRECTORIES", "").split(os.pathsep)
    for place in (folder, *folder.parents):
        if str(place) in ceilings and place != folder:
            return
        yield place


def _git_folders(checkout: Path) -> tuple[Path, Path]:
    """The one of this work tree, and the one that all work trees of a repository share."""
    own = checkout / ".git"
    if own.is_file():
        own = checkout / _text(own).removeprefix("gitdir:").strip()
    shared = own / "commondir"
    return own, (own / _text(shared).strip() if shared.is_file() else own)


def _head(own: Path, common: Path) -> str:
    """Raises ValueError where it names no commit."""
    found = _text(own / "HEAD").strip()
    for _ in range(5):  # a reference may name another
        if not found.startswith("ref:"):
            break
        found = _resolve(found.removeprefix("ref:").strip(), own, common)
    if not _HASH.fullmatch(found):
        raise ValueError("no commit")
    return found


def _resolve(name: str, own: Path, common: Path) -> str:
    if ".." in Path(name).parts or Path(name).is_absolute():
        raise ValueError("no name of a reference")
    for folder in (own, common):
        if (folder / name).is_file():
            return _text(folder / name).strip()
    packed = (line.split(" ", 1) for line in _text(common / "packed-refs").splitlines())
    return next(value[0] for value in packed if len(value) == 2 and value[1] == name)


def _state(checkout: Path, own: Path, common: Path, revision: str) -> str:
    """``-dirty`` where a tracked file is not as it was committed. It is asked of git with a git folder of our own,
    which has the checkout's objects and index and none of its settings. Submodules have settings too, so they are not
    looked into."""
    index = own / "index"
    if not index.is_file():
        return "-unknown"
    with TemporaryDirectory() as made:
        mine = Path(made)
        (mine / "objects" / "info").mkdir(parents=True)
        (mine / "refs").mkdir()
        (mine / "objects" / "info" / "alternates").write_text(f"{(common / 'objects').resolve()}\n", encoding="utf-8")
        (mine / "HEAD").write_text(f"{revision}\n", encoding="utf-8")
        (mine / "config").write_text(_SETTINGS[len(revision)], encoding="utf-8")
        (mine / "index").write_bytes(read_bytes(index))
        times = index.stat().st_atime_ns, index.stat().st_mtime_ns
        os.utime(mine / "index", ns=times)  # a file changed in the moment after it was added is younger than this
        ask = ["git", f"--git-dir={mine}", f"--work-tree={checkout}", "-C", str(checkout)]
        _run([*ask, "update-index", "-q", "--refresh", "--ignore-submodules"])
        changed = _run([*ask, "diff-index", "--quiet", "--ignore-submodules=all", revision, "--"])
        return "" if changed == 0 else "-dirty" if changed == 1 else "-unknown"


def _run(command: list[str]) -> int | None:
    """The exit status, None where git is missing or takes too long."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    quiet = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
    try:
        done = subprocess.run(command, env=own | quiet, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.returncode


def _text(path: Path) -> str:
    return read_bytes(path, 64 << 20).decode("utf-8")


_SETTINGS = {
    40: "[core]\n\trepositoryformatversion = 0\n\tbare = false\n",
    64: "[core]\n\trepositoryformatversion = 1\n\tbare = false\n[extensions]\n\tobjectformat = sha256\n",
}
