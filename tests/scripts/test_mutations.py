"""Each safeguard is still where the script takes it away, and its tests are there."""

from __future__ import annotations

import shlex
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_each_takes_away_what_is_there_once():
    spec = spec_from_file_location("mutations", ROOT / "scripts" / "mutations.py")
    module = module_from_spec(spec)
    sys.modules["mutations"] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    moved = [each.name for each in module.MUTATIONS if (ROOT / each.file).read_text().count(each.old) != 1]
    gone = [word for each in module.MUTATIONS for word in shlex.split(each.tests) if word.startswith("tests/")]
    assert moved == []
    assert [path for path in gone if not (ROOT / path).exists()] == []
    names = [each.name for each in module.MUTATIONS]
    assert len(names) == len(set(names)) > 100
