"""The git revision of the current folder, read without running anything that a checkout's own settings name.

``git describe --dirty`` runs the program that ``core.fsmonitor`` names, and filters that ``.git/config`` defines. A
checkout that somebody sent may name anything there, so the revision is read by hand, and when git is asked for
changed files each of the checkout's settings that could name a program is empty.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from jepa_core.errors import JepaError
from jepa_core.folder.files import read_bytes

_HASH = re.compile("[0-9a-f]{40}|[0-9a-f]{64}")
#: Seconds that git may take to look for changed files.
PATIENCE = 10
#: Settings that say how a checkout is laid out, or what a line's end is; none of them names a program.
_LAYOUT = re.compile(
    r"extensions\..*|index\..*|core\.(repositoryformatversion|bare|worktree|filemode|symlinks|ignorecase|autocrlf|eol|"
    r"precomposeunicode|sparsecheckout|sparsecheckoutcone|checkstat|trustctime)"
)
#: No monitor, no hook, no network, no index written.
_OURS = ["core.fsmonitor=false", f"core.hooksPath={os.devnull}", "protocol.allow=never"]


def git_revision(start: Path | None = None) -> str | None:
    """The commit of the checkout around `start`, by default the current folder; None where there is none.

    It ends with ``-dirty`` for changed files, ``-unknown`` where that can't be told.
    """
    try:
        for folder in _upwards((start or Path()).absolute()):
            if os.path.lexists(folder / ".git"):
                own, common = _git_folders(folder)
                return _commit(own, common) + _state(folder)
    except (OSError, ValueError, JepaError):  # not laid out as git does, so unknown
        pass
    return None


def _upwards(folder: Path) -> Iterator[Path]:
    """Yields the folder and those above it, up to where git itself would stop."""
    ceilings = os.environ.get("GIT_CEILING_DIRECTORIES", "").split(os.pathsep)
    for place in (folder, *folder.parents):
        if str(place) in ceilings and place != folder:
            return
        yield place


def _git_folders(checkout: Path) -> tuple[Path, Path]:
    """The git folder of this work tree, and the one that all work trees of the repository share."""
    own = checkout / ".git"
    if own.is_file():
        own = checkout / _text(own).removeprefix("gitdir:").strip()
    shared = own / "commondir"
    return own, (own / _text(shared).strip() if shared.is_file() else own)


def _commit(own: Path, common: Path) -> str:
    """The hash of the current commit. Raises ValueError where there is none."""
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
    return next((value[0] for value in packed if len(value) == 2 and value[1] == name), "")


def _state(checkout: Path) -> str:
    """``-dirty`` where a tracked file differs from the commit, ``-unknown`` where git can't tell. Submodules, which
    have settings of their own, are not looked into."""
    settings = _settings(checkout)
    if settings is None:
        return "-unknown"
    own = [part for setting in (*settings, *_OURS) for part in ("-c", setting)]
    ask = ["status", "--porcelain", "--untracked-files=no", "--ignore-submodules=all"]
    status, changed = _git(checkout, ["--no-optional-locks", *own, *ask])
    return "-unknown" if status != 0 else "-dirty" if changed else ""


def _settings(checkout: Path) -> list[str] | None:
    """Settings that empty the checkout's own, but for those of its layout; None where they can't be told."""
    status, listed = _git(checkout, ["config", "--list", "--show-scope", "--null"])
    parts = listed.split("\0")
    named = {
        entry.partition("\n")[0] for scope, entry in zip(parts[::2], parts[1::2], strict=False) if scope in _SCOPES
    }
    if status != 0 or any("=" in name for name in named):  # -c takes what stands before the first = for the name
        return None
    return [f"{name}=" for name in sorted(named) if not _LAYOUT.fullmatch(name)]


def _git(checkout: Path, arguments: list[str]) -> tuple[int | None, str]:
    """Runs git; returns the exit status, None where git is missing or takes too long, and what it printed."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    own |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
    command = ["git", "-C", str(checkout), *arguments]
    try:
        done = subprocess.run(command, env=own, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE)
    except (OSError, subprocess.TimeoutExpired):
        return None, ""
    return done.returncode, done.stdout.decode("utf-8", "replace")


def _text(path: Path) -> str:
    return read_bytes(path, 64 << 20).decode("utf-8")


_SCOPES = ("local", "worktree")
