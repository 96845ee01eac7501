"""The script on a WordNet of eleven synsets, worked out by hand."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "derive_wordnet.py"

# 1 and 2 are one-to-one; 3 has two hyponyms (4 and 5); 6 is part of 1; the word of 8 is ambiguous (9);
# 10 and 11 are a component of their own; a pointer to a verb says nothing here.
NOUNS = """\
  1 A licence
  2
  3 of two paragraphs.
00000001 03 n 02 big_cat 0 lion 0 003 ~ 00000002 n 0000 %p 00000006 n 0000 + 00000009 v 0101 | a gloss @ 3
00000002 03 n 01 Barbary_lion 0 001 @ 00000001 n 0000 | a gloss
00000003 03 n 01 tree 0 002 ~ 00000004 n 0000 ~ 00000005 n 0000 | a gloss
00000004 03 n 01 oak 0 001 @ 00000003 n 0000 | a gloss
00000005 03 n 01 elm 0 001 @ 00000003 n 0000 | a gloss
00000006 03 n 01 paw 0 001 #p 00000001 n 0000 | a gloss
00000007 03 n 01 colour 0 001 ~ 00000008 n 0000 | a gloss
00000008 03 n 01 orange 0 001 @ 00000007 n 0000 | a gloss
00000009 03 n 02 fruit 0 Orange 0 000 | a gloss
00000010 03 n 01 crew 0 001 %m 00000011 n 0000 | a gloss
00000011 03 n 01 sailor 0 001 #m 00000010 n 0000 | a gloss
"""


@pytest.fixture
def derived(tmp_path, monkeypatch):
    def derive(*options: str) -> Path:
        (tmp_path / "data.noun").write_text(NOUNS)
        words = [
            str(SCRIPT),
            "--source",
            str(tmp_path / "data.noun"),
            "--to",
            str(tmp_path / "out"),
            *options,
        ]
        monkeypatch.setattr(sys, "argv", words)
        runpy.run_path(str(SCRIPT), run_name="__main__")
        return tmp_path / "out"

    return derive


def facts(folder: Path) -> list[tuple[str, str, str]]:
    return [tuple(json.loads(line).values()) for line in (folder / "facts.jsonl").read_text().splitlines()]


def test_one_to_one_facts_in_both_directions(derived, capsys):
    assert facts(derived()) == [
        ("Barbary lion", "hypernym", "big cat"),
        ("big cat", "hyponym", "Barbary lion"),
        ("paw", "part holonym", "big cat"),
        ("big cat", "part meronym", "paw"),
        ("sailor", "member holonym", "crew"),
        ("crew", "member meronym", "sailor"),
    ]
    assert capsys.readouterr().out.startswith("6 facts about 5 entities in 2 components\n")


def test_whole_components_of_the_most_relations_come_first(derived):
    assert {relation for _, relation, _ in facts(derived("--facts", "2"))} == {
        "hypernym",
        "hyponym",
        "part holonym",
        "part meronym",
    }
    assert len(facts(derived("--facts", "1"))) == 2


def test_the_licence_and_the_relations_stand_beside(derived):
    folder = derived()
    assert (folder / "LICENSE.wordnet").read_text() == "A licence\n\nof two paragraphs.\n"
    assert "- [member holonym, member meronym]" in (folder / "relations.yaml").read_text()


def test_without_wordnet_it_says_what_brings_it(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", [str(SCRIPT), "--source", str(tmp_path / "none")])
    with pytest.raises(SystemExit):
        runpy.run_path(str(SCRIPT), run_name="__main__")
    assert "apt-get install wordnet-base" in capsys.readouterr().err
