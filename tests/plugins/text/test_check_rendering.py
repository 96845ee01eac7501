"""Rows and turns read back against the template, and what was cut off."""

from __future__ import annotations

import json

import pytest

from jepa_core.verify.row import Verdict
from jepa_plugins.text.check_rendering import turns_of
from jepa_plugins.text.tags import Tag
from tests.plugins.text.specimen import TEMPLATES
from tests.plugins.text.verified import broken, checked, lines, rows, with_entry, with_tokenizer

ROWS = "rows that are not what the template writes"
TURNS = "turns whose tokens are not what is said in them"
CUT = "conversations of 'train' that were cut off"
TALKS = [
    [("system", " Be brief. "), ("user", "say  hi\r\n"), ("assistant", "hi 🐕")],
    [("user", " é?"), ("assistant", "  two\nlines\n"), ("user", "again"), ("assistant", "<think>no</think>yes")],
    [("user", ""), ("assistant", "<|im_end|> is written")],
    [("user", "x"), ("assistant", ".")],
]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JEPA_CACHE", str(tmp_path / "cache"))


def talks(folder):
    file = folder / "talks.jsonl"
    said = [[{"role": r, "content": c} for r, c in talk] for talk in TALKS]
    file.write_text("".join(json.dumps({"messages": messages}) + "\n" for messages in said))
    return f"data.train={file}"


@pytest.mark.parametrize("kind", ["bytes", "pieces"])
@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_every_template_reads_back(tmp_path, template, kind):
    found = rows(checked(tmp_path, *with_tokenizer(tmp_path, template, kind=kind), talks(tmp_path)))
    assert {found[name].verdict for name in (ROWS, TURNS)} == {Verdict.PASS}, [found[ROWS], found[TURNS]]
    assert found[ROWS].evidence.startswith("4 conversations, 1 of them")


def test_another_token(tmp_path):
    def change(batch):
        batch["input_ids"][:, 0] += 1

    assert ROWS in lines(broken(checked(tmp_path), change))


@pytest.mark.parametrize("where", ["user", "assistant"])
@pytest.mark.parametrize("to", ["early", "late"])
def test_a_turn_that_begins_elsewhere(tmp_path, where, to):
    tag = {"user": Tag.USER, "assistant": Tag.ASSISTANT}[where]

    def move(batch):
        for row in batch["tags"].view(-1, batch["tags"].shape[-1]):
            first = int((row == tag).nonzero()[0])
            if to == "early":
                row[first - 1] = tag
            else:
                row[first] = Tag.TEMPLATE

    context = checked(tmp_path, *with_tokenizer(tmp_path))
    assert TURNS in lines(broken(context, move))


def test_what_was_cut_is_told(tmp_path):
    found = rows(checked(tmp_path, "data.max_length=7", "data.too_long=truncate_prompt"))
    assert (found[CUT].verdict, found[CUT].figure) == (Verdict.WARN, 3)
    assert found[CUT].evidence == "7 read, 0 dropped, 3 cut at the front; max_length 7"
    assert found[ROWS].verdict is Verdict.PASS


def test_what_was_dropped_moves_no_row(tmp_path):
    found = rows(checked(tmp_path, "data.max_length=7", "data.too_long=drop"))
    assert (found[CUT].verdict, found[CUT].figure) == (Verdict.WARN, 3)
    assert found[ROWS].verdict is Verdict.PASS
    assert found[ROWS].evidence.startswith("4 conversations, 3 of them")


def test_a_conversation_lost_in_silence(tmp_path):
    assert lines(with_entry(checked(tmp_path), tally={"read": 8})) == {CUT}
    assert lines(with_entry(checked(tmp_path, "data.max_length=10"), longest=11)) == {CUT}


def test_turns_in_tokens():
    tags = [Tag.TEMPLATE, Tag.USER, Tag.USER, Tag.TEMPLATE, Tag.ASSISTANT, Tag.END, Tag.USER]
    assert turns_of(range(7), tags) == [("user", [1, 2]), ("assistant", [4]), ("user", [6])]
