from __future__ import annotations

import pytest

from jepa_core.errors import DataError
from jepa_plugins.facts.relations import Relations, read_relations


def test_pairs_and_symmetric_relations(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text("inverse_pairs: [[up, down], [part of, has part]]\nsymmetric: [beside]\n")
    relations = read_relations(path)
    assert relations == Relations((("up", "down"), ("part of", "has part")), ("beside",))
    assert relations.names == ("up", "down", "part of", "has part", "beside")
    assert relations.inverse == {
        "up": "down",
        "down": "up",
        "part of": "has part",
        "has part": "part of",
        "beside": "beside",
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1: the file is empty"),
        ("null", "expected the keys inverse_pairs and symmetric, not null"),
        ("[[up, down]]", "expected the keys inverse_pairs and symmetric, not"),
        ("inverse_pair: [[up, down]]", "unknown key \"inverse_pair\"; did you mean 'inverse_pairs'?"),
        ("inverse_pairs: {up: down}", 'inverse_pairs: expected a list, not {"up": "down"}'),
        ("inverse_pairs: [[up]]", 'inverse_pairs[0]: expected [relation, inverse], not ["up"]'),
        ("inverse_pairs: [[up, down], up]", 'inverse_pairs[1]: expected [relation, inverse], not "up"'),
        (
            "inverse_pairs: [[true, no]]",
            "inverse_pairs[0]: expected the name of a relation, not true (quote it?)",
        ),
        ("inverse_pairs: [[a, b]]\ninverse_pairs: [[c, d]]", "2: inverse_pairs: given twice, first on line 1"),
        (f"symmetric: [{'x' * 1001}]", 'relation "xxx'),
        ("symmetric: ['']", 'symmetric[0]: expected the name of a relation, not ""'),
        ("symmetric: []", "expected at least one relation"),
        ("inverse_pairs: [[up, down], [down, below]]", "relation 'down': expected once"),
        ("inverse_pairs: [[beside, beside]]", "relation 'beside': expected once, as it has one inverse"),
        ("inverse_pairs: [[up", "1: not valid YAML: "),
        ("inverse_pairs: !!python/object:os.system {}", "1: inverse_pairs: the tag '!!python/object:os.system' is not"),
    ],
)
def test_mistakes_are_named(tmp_path, text, expected):
    path = tmp_path / "r.yaml"
    path.write_text(text)
    with pytest.raises(DataError) as error:
        read_relations(path)
    assert str(error.value).removeprefix(f"{path}:").lstrip().startswith(expected)
    assert "\n" not in str(error.value)
