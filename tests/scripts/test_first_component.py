"""A distance of one's own from nothing, tested, listed and used, by the clock of the script."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_it_takes_less_than_three_minutes():
    script = ROOT / "scripts" / "first_component.sh"
    done = subprocess.run([script, sys.executable], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^ distance +my_distance +jepa-my-distance ", done.stdout, re.M)
    assert re.search(r"^\d+ passed", done.stdout, re.M)
    seconds = re.fullmatch(r"(\d+) s in all", done.stdout.splitlines()[-1])
    assert seconds
    assert int(seconds[1]) < 180
