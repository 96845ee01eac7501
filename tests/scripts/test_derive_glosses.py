"""The script on a WordNet of ten synsets, worked out by hand, and what it made of the real one."""

from __future__ import annotations

import json
import runpy
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "derive_glosses.py"

# 1 has an example, 2 two parts; 3 and 4 are one word; 5 is never used; 6 too short, 7 too long; 8 gives itself
# away; 9 and 10 are defined alike.
NOUNS = """\
  1 A licence
  2
  3 of two paragraphs.
00000001 03 n 02 big_cat 0 lion 0 000 | a large   feline; "the big cats"
00000002 03 n 01 Oak 0 000 | a tree with acorns; it is hard:  "an oak"
00000003 03 n 01 orange 0 000 | a colour like fire
00000004 03 n 01 Orange 0 000 | a river in Africa
00000005 03 n 01 aglet 0 000 | a tip of a lace
00000006 03 n 01 idea 0 000 | a thought
00000007 03 n 01 epic 0 000 | a very long poem {LONG}
00000008 03 n 01 tea 0 000 | what teapots are for
00000009 03 n 01 sofa 0 000 | a long soft seat
00000010 03 n 01 couch 0 000 | a long soft seat
"""
COUNTS = """\
big_cat%1:05:00:: 1 3
oak%1:20:00:: 1 1
oak%3:01:00:: 1 7
orange%1:07:00:: 1 2
aglet%2:06:00:: 1 9
idea%1:09:00:: 1 5
epic%1:10:00:: 1 4
tea%1:13:00:: 1 4
sofa%1:06:00:: 1 4
couch%1:06:00:: 1 4
hot%5:00:00:warm:00 1 2
"""


@pytest.fixture
def derive(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(SCRIPT.parent)

    def run(source: Path) -> Path:
        monkeypatch.setattr(sys, "argv", [str(SCRIPT), "--source", str(source), "--to", str(tmp_path / "out")])
        runpy.run_path(str(SCRIPT), run_name="__main__")
        return tmp_path / "out"

    return run


def pairs(path: Path) -> list[tuple[str, str]]:
    lines = [json.loads(line)["messages"] for line in path.read_text().splitlines()]
    assert {tuple(message["role"] for message in messages) for messages in lines} <= {("user", "assistant")}
    return [(messages[0]["content"], messages[1]["content"]) for messages in lines]


def test_definitions_of_known_unambiguous_nouns(derive, tmp_path, capsys):
    (tmp_path / "data.noun").write_text(NOUNS.replace("{LONG}", "on and on " * 12))
    (tmp_path / "cntlist.rev").write_text(COUNTS)
    folder = derive(tmp_path)
    assert sorted(pairs(folder / "train.jsonl") + pairs(folder / "test.jsonl")) == [
        ("a large feline", "big cat"),
        ("a tree with acorns; it is hard", "Oak"),
    ]
    assert (folder / "LICENSE.wordnet").read_text() == "A licence\n\nof two paragraphs.\n"
    assert capsys.readouterr().out.count("pairs in") == 2


def test_what_is_shipped():
    train, test = (pairs(ROOT / "recipes" / "data" / "glosses" / f"{name}.jsonl") for name in ("train", "test"))
    assert len(train) > 3000
    assert 0.08 < len(test) / len(train + test) < 0.12
    assert len({definition for definition, _ in train + test}) == len(train + test)
    assert len({noun.lower() for _, noun in train + test}) == len(train + test)
    assert ("a married woman; a man's partner in marriage", "wife") in train + test
    assert max(len(definition) for definition, _ in train + test) <= 120
    licences = [(ROOT / "recipes" / "data" / name / "LICENSE.wordnet").read_text() for name in ("glosses", "wordnet")]
    assert licences[0] == licences[1]


def test_without_wordnet_it_says_what_brings_it(derive, tmp_path, capsys):
    with pytest.raises(SystemExit):
        derive(tmp_path / "none")
    assert "apt-get install wordnet-base" in capsys.readouterr().err
