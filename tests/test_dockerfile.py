"""The Dockerfile is never built here: a linter reads it, and what it copies is there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_a_linter_finds_nothing():
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{Path(sys.prefix) / 'bin'}:/usr/bin")
    if hadolint is None:
        pytest.skip("needs hadolint, which comes with the extra test on Linux")
    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_what_it_copies_is_there_and_not_ignored():
    sources = [name for line in re.findall(r"^COPY (.*)$", TEXT, re.M) for name in line.split()[:-1]]
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert sorted(sources) == sorted(kept)
    assert [name for name in sources if not (ROOT / name).exists()] == []


def test_extras_are_those_of_the_package():
    (extras,) = re.findall(r"^ARG EXTRAS=(.*)$", TEXT, re.M)
    setup = (ROOT / "setup.cfg").read_text()
    assert [extra for extra in extras.split(",") if f"\n{extra} =\n" not in setup] == []


def test_the_base_is_an_argument():
    assert "ARG BASE=debian" in TEXT
    assert "FROM ${BASE}" in TEXT
    assert "--build-arg BASE=nvidia/cuda" in TEXT
