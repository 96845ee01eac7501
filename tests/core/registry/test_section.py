from __future__ import annotations

import pytest
from pydantic import ValidationError

from jepa_core.registry.section import Conflict, Section


class Part(Section):
    size: int = 1


def test_sections_are_strict_closed_and_frozen():
    part = Part(size=2)
    with pytest.raises(ValidationError, match="frozen"):
        part.size = 3
    for wrong in ({"size": "2"}, {"size": True}, {"sise": 2}):
        with pytest.raises(ValidationError):
            Part.model_validate(wrong)


def test_a_conflict_says_all_it_knows():
    assert str(Conflict(("a", "one"), ("b", "two"))) == "a: one; b: two"
