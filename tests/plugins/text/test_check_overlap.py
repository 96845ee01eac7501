"""Evaluation texts in the training file."""

from __future__ import annotations

import json

import pytest

from jepa_core.verify.row import Verdict
from tests.plugins.text.pairs_recipe import PAIRS
from tests.plugins.text.verified import checked, rows


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("JEPA_CACHE", str(tmp_path / "cache"))


def test_they_are_counted_by_question_and_by_answer(tmp_path):
    pairs = [("new", "b+"), ("newer", PAIRS[1][1]), (PAIRS[2][0], "other"), ("newest", "z")]
    file = tmp_path / "other.jsonl"
    file.write_text("".join(json.dumps({"prompt": q, "completion": a}) + "\n" for q, a in pairs))
    found = rows(checked(tmp_path, f"data.evaluation.other={file}", "data.evaluation.apart=FOLDER/apart.jsonl"))
    one, other = (found[f"{kind}s of 'other' that stand in the training set"] for kind in ("question", "answer"))
    assert (one.verdict, one.figure, one.evidence) == (Verdict.WARN, 1, "1 of 4 questions (25.0%)")
    assert (other.verdict, other.figure, other.evidence) == (Verdict.WARN, 2, "2 of 4 answers (50.0%)")
    for kind in ("question", "answer"):
        assert found[f"{kind}s of 'apart' that stand in the training set"].verdict is Verdict.PASS


@pytest.fixture(autouse=True)
def apart(tmp_path):
    (tmp_path / "apart.jsonl").write_text('{"prompt": "ab ", "completion": "b"}\n')
