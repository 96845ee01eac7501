"""Answers whose end is lost, padding that takes labels, texts that begin twice."""

from __future__ import annotations

import pytest

from jepa_core.samples.samples import IGNORE, PAD
from jepa_core.verify.row import Verdict
from jepa_plugins.text.tags import Tag
from tests.plugins.text.verified import broken, checked, lines, rows, with_tokenizer

END = "answers whose end is no label"
LOST = "labels lost to the padding token"
BEGIN = "texts that do not begin once"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JEPA_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def padded_by_its_end(tmp_path):
    """A dataset with a beginning of text, written by the tokenizer; the end of text pads and ends answers."""
    template = (
        "{% for m in messages %}{{ m['content'] + ('</s>' if m['role'] == 'assistant' else ' -> ') }}{% endfor %}"
    )
    return checked(tmp_path, *with_tokenizer(tmp_path, template, bos=True))


def test_what_is_right_passes_and_shows_its_end(padded_by_its_end):
    found = rows(padded_by_its_end)
    assert {found[name].verdict for name in (END, LOST, BEGIN)} == {Verdict.PASS}
    assert found[END].evidence == "of 7 answers 7 end with </s>"
    assert found[LOST].evidence.startswith("</s> pads, and stands 7 times in answers")
    assert found[BEGIN].evidence.startswith("<s> begins a text; 7 samples")


def test_labels_made_anew_without_the_padding_token(padded_by_its_end):
    """A collator for language models makes labels like that."""

    def collate(batch):
        batch["labels"][batch["input_ids"] == padded_by_its_end.run.vocabulary.pad_id] = IGNORE

    assert lines(broken(padded_by_its_end, collate)) == {END, LOST}


def test_labels_on_padding(padded_by_its_end):
    def collate(batch):
        padding = batch["tags"] == PAD
        batch["labels"][padding] = batch["input_ids"][padding]

    assert lines(broken(padded_by_its_end, collate)) == {LOST}


def test_an_end_without_label_where_another_token_pads(tmp_path):
    def drop(batch):
        batch["labels"][batch["tags"] == Tag.END] = IGNORE

    context = checked(tmp_path)
    assert rows(context)[LOST].verdict is Verdict.NA
    assert lines(broken(context, drop)) == {END}


@pytest.mark.parametrize("name", ["input", "answer", "alone"])
def test_a_text_that_begins_twice(padded_by_its_end, name):
    def twice(batch):
        batch[f"{name}_ids"][:, 1] = batch[f"{name}_ids"][:, 0]

    assert BEGIN in lines(broken(padded_by_its_end, twice))


def test_a_template_that_begins_texts_itself(tmp_path):
    found = rows(checked(tmp_path, *with_tokenizer(tmp_path, "llama3", bos=True)))
    assert found[BEGIN].verdict is Verdict.PASS
    assert found[BEGIN].evidence.startswith("<s> begins a text")


def test_none_begins_where_nobody_writes_it(tmp_path):
    found = rows(checked(tmp_path, *with_tokenizer(tmp_path)))
    assert found[BEGIN].evidence.startswith("neither tokenizer nor template puts one")
