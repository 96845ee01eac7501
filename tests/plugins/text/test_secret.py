from __future__ import annotations

import unicodedata

from jepa_plugins.text.secret import secret


def test_private_characters_that_are_never_the_same():
    found = [secret(4) for _ in range(100)]
    assert len(set(found)) == 100
    assert {unicodedata.category(character) for each in found for character in each} == {"Co"}
    assert {len(each) for each in found} == {4}
    assert not any(each.strip() != each or each.lower() != each for each in found)
