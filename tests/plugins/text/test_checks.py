"""The checks come in with the dataset."""

from __future__ import annotations

import jepa_core
from jepa_core.verify.context import Context
from jepa_core.verify.verify import verify
from jepa_plugins.text.checks import CHECKS
from tests.plugins.text.pairs_recipe import REGISTRY, pairs_recipe


def test_each_has_lines_in_a_verification(tmp_path, monkeypatch):
    monkeypatch.setenv("JEPA_CACHE", str(tmp_path / "cache"))
    found = verify(Context(jepa_core.build(pairs_recipe(tmp_path), REGISTRY), REGISTRY), ())
    assert found.checks == list(CHECKS)
    assert not found.failed
    assert all(row.source for row in found.rows)
