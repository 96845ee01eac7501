from __future__ import annotations

import json

import pytest

from jepa_core.errors import DataError
from jepa_plugins.text import source_part as module
from jepa_plugins.text.encoding import Encoder
from jepa_plugins.text.reading import JsonLines
from jepa_plugins.text.source_part import Share, SourcePart
from jepa_plugins.text.template import ChatTemplate
from jepa_plugins.text.text_set import TextSet
from jepa_plugins.text.tokenise import Tokenise
from tests.plugins.text.specimen import tokenizer


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JEPA_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "text"


@pytest.fixture
def write(tmp_path):
    def write(answers: list[str], name: str = "train", **options) -> SourcePart:
        lines = (json.dumps({"prompt": f"q{i}", "completion": answer}) for i, answer in enumerate(answers))
        (tmp_path / "d.jsonl").write_text("\n".join(lines))
        return SourcePart(name, JsonLines(tmp_path / "d.jsonl"), **options)

    return write


@pytest.fixture(scope="module")
def tokenise():
    made = tokenizer()
    encoder = Encoder(made)
    return Tokenise(ChatTemplate(made, made.chat_template, "t", encoder), encoder, made.eos_token_id)


def answers(part: SourcePart, tokenise: Tokenise) -> list[str]:
    texts = TextSet(*part.samples(tokenise), ("train", 0), 0, None)
    return [texts.answer(i) for i in range(len(texts))]


def test_many_are_tokenised_part_by_part(write, tokenise, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 3)
    wanted = [f"a{i}" for i in range(10)]
    assert answers(write(wanted), tokenise) == wanted


def test_once_unless_something_changed(write, tokenise, cache, monkeypatch):
    assert answers(write(["a", "b"]), tokenise) == ["a", "b"]
    monkeypatch.setattr(Tokenise, "__call__", None)
    assert answers(write(["a", "b"], name="other"), tokenise) == ["a", "b"]
    monkeypatch.undo()
    monkeypatch.setenv("JEPA_CACHE", str(cache.parent))
    assert answers(write(["a", "c"]), tokenise) == ["a", "c"]
    assert answers(write(["a", "c"], limit=1), tokenise) == ["a"]
    assert len(list(cache.iterdir())) == 3


def test_a_share_is_held_out_and_the_rest_is_not(write, tokenise):
    wanted = [f"a{i}" for i in range(200)]
    parts = [write(wanted, share=Share(0.25, seed=1), held_out=held_out) for held_out in (False, True)]
    kept, held = (answers(part, tokenise) for part in parts)
    assert sorted(kept + held) == sorted(wanted)
    assert 30 < len(held) < 70
    other = write(wanted, share=Share(0.25, seed=2), held_out=True)
    assert answers(other, tokenise) != held
    assert answers(parts[1], tokenise) == held


def test_nothing_is_left_of_data_that_is_wrong(write, tokenise, cache, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 2)
    with pytest.raises(DataError, match=r"d.jsonl: line 4: completion: expected an answer, it is empty$"):
        write(["a", "b", "c", ""]).samples(tokenise)
    assert list(cache.iterdir()) == []


def test_a_set_without_samples_is_refused(write, tokenise):
    with pytest.raises(DataError, match=r"d.jsonl: train: expected at least one conversation$"):
        write([]).samples(tokenise)
    short = Tokenise(tokenise.template, tokenise.encoder, tokenise.eos, max_length=2, too_long="drop")
    with pytest.raises(DataError, match=r"at least one conversation, all 2 are longer than max_length$"):
        write(["a", "b"]).samples(short)
