"""Runs the stages, each within its time, and keeps the report up to date: ``python -m benchmarks.gpu.check OUT``.

Only the standard library is used here, so that whatever breaks in a stage, the others run and what was measured
is written down. Stages that are not timed run side by side, the others one after the other. One process runs
several stages, to spare the imports; where a stage fails, hangs or kills its process, another process goes on
with the next.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from benchmarks.gpu.chain import Chain
from benchmarks.gpu.report import copy_log, report, slug
from benchmarks.gpu.results import Result, begin, read
from benchmarks.gpu.site import ROOT, make_site, unpack_wheels, usable
from benchmarks.gpu.stages import ALONE, BUDGET, RESERVE, STAGES, TOGETHER, TOGETHER_SHARE

#: Seconds between two looks at the processes, and between two reports.
LOOK, REPORT = 0.2, 5.0


class Check:
    """One run of the stages. home: a folder for what they leave; out: where the report goes."""

    def __init__(self, out: Path, seconds: float, tiny: bool, wheels: Path | None):
        self.out, self.seconds, self.tiny = out, seconds, tiny
        self.ends = time.time() + seconds - RESERVE * min(1.0, seconds / BUDGET)
        self.home = Path(tempfile.mkdtemp(prefix="gpu_check_"))
        self.device = device_name()
        self.name = f"gpu-{slug(self.device)}-{date.today()}"
        self.reported = 0.0
        out.mkdir(parents=True, exist_ok=True)
        self.environment = self._environment(wheels)

    def run(self) -> list[Result]:
        began = time.time()
        try:
            if self.tiny:  # nothing is timed that anybody reads: one process spares imports
                self._chains((tuple(STAGES),), self.ends)
            else:
                self._chains(TOGETHER, began + self.seconds * TOGETHER_SHARE)
                self._chains((ALONE,), self.ends)
        finally:
            results = [self._final(name) for name in STAGES]
            self.write(picture=True)
            shutil.rmtree(self.home, ignore_errors=True)
        return results

    def _chains(self, groups: tuple[tuple[str, ...], ...], until: float) -> None:
        chains = [
            Chain(list(group), self.home, self.environment, min(until, self.ends), self.seconds / BUDGET, self.tiny)
            for group in groups
        ]
        try:
            while _all_tended(chains):
                time.sleep(LOOK)
                if time.time() > self.reported + REPORT:
                    self.write()
        finally:
            for chain in chains:
                chain.kill()

    def _final(self, stage: str) -> Result:
        result = read(self.home, stage)
        if result is None:
            result = begin(self.home, stage, 0)
            result.end("skipped", "the check ended before it began")
        elif result.state == "running":
            result.end("failed", "the check ended while it ran")
        return result

    def write(self, picture: bool = False) -> None:
        """The report as it stands. A fault in it is told and ends nothing: the stages' own files are copied then."""
        self.reported = time.time()
        try:
            report(self.home, self.out / self.name, self.device, self.tiny)
            copy_log(self.home, self.out / f"{self.name}.log")
        except Exception as error:  # whatever it is, what was measured must not be lost
            print(f"the report failed: {type(error).__name__}: {error}", file=sys.stderr)
            for file in self.home.glob("*.json"):
                shutil.copy(file, self.out)
        if picture:
            command = [sys.executable, "-m", "benchmarks.gpu.plot", str(self.out / f"{self.name}.json")]
            try:
                subprocess.run(command, env=self.environment, cwd=ROOT, timeout=40, check=False)
            except subprocess.TimeoutExpired:
                print("no picture: it took more than 40 s", file=sys.stderr)

    def _environment(self, wheels: Path | None) -> dict[str, str]:
        """The environment of the stages' processes, above all the module path."""
        path = [make_site(self.home / "site"), ROOT]
        if wheels is not None:
            path[1:1] = usable(unpack_wheels(wheels, self.home / "wheels"))
        others = [part for part in os.environ.get("PYTHONPATH", "").split(os.pathsep) if part]
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([*map(str, path), *others]),
            "PYTHONUNBUFFERED": "1",
            "HF_HUB_OFFLINE": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }


def _all_tended(chains: list[Chain]) -> bool:
    """False when none has anything left to do."""
    left = [chain.tend() for chain in chains]
    return any(left)


def device_name() -> str:
    """The driver's name of the device; ``cpu`` where there is no driver."""
    try:
        done = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"], capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return "cpu"
    lines = done.stdout.strip().splitlines()
    return lines[0].strip() if done.returncode == 0 and lines else "cpu"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", type=Path, default=os.environ.get("OUT") or ROOT / "runs" / "gpu_check")
    parser.add_argument("--seconds", type=float, default=os.environ.get("GPU_CHECK_SECONDS") or BUDGET)
    parser.add_argument("--wheels", type=Path, default=os.environ.get("GPU_CHECK_WHEELS") or None)
    options = parser.parse_args()
    here = Path(os.environ.get("GPU_CHECK_FROM", "."))
    check = Check(here / options.out, float(options.seconds), tiny_asked(), options.wheels and here / options.wheels)
    results = check.run()
    print((check.out / f"{check.name}.md").read_text(encoding="utf-8"))
    return 1 if any(result.state == "failed" for result in results) else 0


def tiny_asked() -> bool:
    return os.environ.get("GPU_CHECK_TINY", "") not in ("", "0")


if __name__ == "__main__":
    sys.exit(main())
