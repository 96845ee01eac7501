"""A newcomer's first ten minutes, typed as README says, each step under its time.

    python scripts/first_ten_minutes.py [CLONE] [--change KEY=VALUE]... [--table FILE]

CLONE is a bare clone of this repository; by default one is made, and deleted in the end. Where it has no ``.venv``,
README's installation is the first step. ``--change`` is added to what trains, to try the script quickly. ``--table``
puts the times into this page, between ``<!-- times -->`` and ``<!-- end -->``.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
TIMES = re.compile(r"(<!-- times -->\n).*?(<!-- end -->)", re.S)


@dataclass(frozen=True)
class Step:
    """typed: commands as README has them; trains: what may be made shorter."""

    name: str
    typed: tuple[str, ...]
    trains: bool = False

    def changed(self, changes: Sequence[str]) -> Step:
        return replace(self, typed=tuple(" ".join([line, *changes]) for line in self.typed)) if self.trains else self


def steps(readme: str, installed: bool) -> list[Step]:
    """Raises SystemExit where README does not say a command, or says it more than once."""
    prepare, run = _one(r"^(python3 -m venv .*) && (\.venv/bin/jepa-run .*)$", readme)
    found = [
        Step("install", () if installed else (prepare,)),
        Step("run", (run,), trains=True),
        Step("look", (*_lines(r"report runs/cosine_k1", readme), *_looks(readme))),
        Step("ask", _lines(r"ask runs/cosine_k1 .*?", readme)),
        Step("change", _lines(r"cosine_k1 objective\.k=2.*?", readme), trains=True),
        Step("compare", _lines(r"report runs/cosine_k1 runs/k2", readme)),
        Step("test an own distance", _one(r"`(python -m pytest test_huber\.py)`", readme)),
        Step("train with it", _one(r"`(jepa-run cosine_k1 --plugin huber\.py .*?)`", readme), trains=True),
    ]
    return [step for step in found if step.typed]


def _looks(readme: str) -> tuple[str, ...]:
    return tuple(
        line for what in ("list", "cp .*?", "show-mask .*?", "show-batch .*?") for line in _lines(what, readme)
    )


def _lines(words: str, readme: str) -> tuple[str, ...]:
    return _one(rf"^(jepa-run {words})(?:  +.*)?$", readme)


def _one(pattern: str, readme: str) -> tuple[str, ...]:
    found = re.findall(pattern, readme, re.M)
    if len(found) != 1:
        raise SystemExit(f"README.md says this {len(found)} times, expected once: {pattern}")
    return found[0] if isinstance(found[0], tuple) else (found[0],)


def save_modules(readme: str, folder: Path) -> None:
    """The two files that README tells its reader to save."""
    for name, sign in (("huber.py", "class Huber:"), ("test_huber.py", "class TestHuber")):
        (text,) = [block for block in re.findall(r"^```python\n(.*?)^```", readme, re.M | re.S) if sign in block]
        folder.joinpath(name).write_text(text, encoding="utf-8")


def walk(clone: Path, changes: Sequence[str]) -> list[tuple[Step, float]]:
    """The seconds of each step. Raises SystemExit at the first that fails, with what it said."""
    readme = clone.joinpath("README.md").read_text(encoding="utf-8")
    start, seconds = time.monotonic(), []
    for step in steps(readme, clone.joinpath(".venv").exists()):
        begun = time.monotonic()
        if "huber" in step.typed[0]:
            save_modules(readme, clone)
        for line in step.changed(changes).typed:
            print(f"[{time.strftime('%H:%M:%S')}] $ {line}", flush=True)
            _type(line, clone)
        seconds.append((step, time.monotonic() - begun))
        print(f"{step.name}: {seconds[-1][1]:.0f} s; since the start {_clock(time.monotonic() - start)}", flush=True)
    return seconds


def _type(line: str, clone: Path) -> None:
    """Types a command into a shell in which the environment is activated."""
    active = {"PATH": f"{clone / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", line], cwd=clone, env=os.environ | active, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)  # fmt: skip
    if done.returncode:
        raise SystemExit(f"{done.stdout}\nexit status {done.returncode}: {line}")
    print("\n".join(done.stdout.rstrip().splitlines()[-3:]), flush=True)


def _clock(seconds: float) -> str:
    return f"{int(seconds // 60)}:{int(seconds % 60):02d}"


def table(seconds: Sequence[tuple[Step, float]]) -> str:
    """The table as Markdown, under the machine's figures."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    rows = [f"{platform.machine()}, {cores} core{'s' * (cores != 1)}, Python {platform.python_version()}:", ""]
    rows += ["| at | step | typed | seconds |", "|---|---|---|---|"]
    at = 0.0
    for step, taken in seconds:
        typed = "<br>".join(f"`{line}`" for line in step.typed)
        rows.append(f"| {_clock(at)} | {step.name} | {typed} | {taken:.0f} |")
        at += taken
    return "\n".join([*rows, f"| {_clock(at)} | in all | | {at:.0f} |"])


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clone", nargs="?", type=Path)
    parser.add_argument("--change", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--table", type=Path, metavar="FILE")
    given = parser.parse_args(words)
    with TemporaryDirectory() as folder:
        clone = given.clone or Path(folder, "jepa-core")
        if not given.clone:
            subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
        written = table(walk(clone.resolve(), given.change))
    print(f"\n{written}")
    if given.table:
        page = given.table.read_text(encoding="utf-8")
        given.table.write_text(TIMES.sub(rf"\1\n{_literal(written)}\n\n\2", page), encoding="utf-8")


def _literal(text: str) -> str:
    return text.replace("\\", r"\\")


if __name__ == "__main__":
    main(sys.argv[1:])
