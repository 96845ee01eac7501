"""``ask``: questions from the command line, a file, standard input and a prompt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import jepa_core
from jepa_core.cli.main import app

from .conftest import contents


@pytest.fixture(scope="module")
def question(finished) -> str:
    """A trained one, in the tokens of the data."""
    data = jepa_core.load(finished).data
    first = data.train[0]
    asked = first["input_ids"][first["labels"] == jepa_core.IGNORE].tolist()
    return " ".join(data.vocabulary.name(i) for i in asked)


def test_an_answer_is_shown_and_nothing_is_changed(cli, finished, question):
    before = contents(finished)
    done = cli("ask", finished, question)
    assert done.exit_code == 0, done.output
    first, second = done.stdout.splitlines()
    assert first.startswith(f"{question}   (by the model's own tokens")
    assert second.startswith("  ")
    assert contents(finished) == before


def test_the_same_in_python_from_a_file_and_from_standard_input(cli, finished, question):
    Path("questions.txt").write_text(f"{question}\n\n  {question}\n")
    by_file = cli("ask", finished, "--file", "questions.txt", "--json")
    piped = CliRunner().invoke(app, ["ask", str(finished), "--json"], input=f"{question}\n{question}\n")
    assert by_file.exit_code == 0, by_file.output
    assert by_file.stdout == piped.stdout
    answers = [json.loads(line) for line in by_file.stdout.splitlines()]
    (known,) = jepa_core.load(finished).ask(question)
    assert [answer["found"][0]["text"] for answer in answers] == [known.found[0].text] * 2


def test_at_a_prompt_one_wrong_question_is_told_and_the_next_answered(finished, question, monkeypatch, capsys):
    from jepa_core.cli import ask as module

    lines = iter(["nonsense", "", question])

    def typed(prompt: str) -> str:
        try:
            return next(lines)
        except StopIteration:
            raise EOFError from None

    monkeypatch.setattr("builtins.input", typed)
    module._at_a_prompt(jepa_core.load(finished).asker(), as_json=False)
    shown = capsys.readouterr()
    assert "'nonsense': expected" in shown.err
    assert shown.out.startswith(question)


def test_mistakes_are_told(cli, finished):
    Path("binary.txt").write_bytes(b"\xff\xfe\xff")
    for arguments, words in (
        (("ask", "nothing", "x"), "nothing: no finished run there"),
        (("ask", finished, "nonsense"), "'nonsense': expected"),
        (("ask", finished, "x", "--file", "y"), "give one of them"),
        (("ask", finished, "--file", "missing.txt"), "missing.txt: "),
        (("ask", finished, "--file", "binary.txt"), "binary.txt: expected text in UTF-8"),
    ):
        done = cli(*arguments)
        assert done.exit_code != 0
        assert words in done.stderr
        assert "Traceback" not in done.output


@pytest.mark.parametrize("key", [EOFError, KeyboardInterrupt])
def test_a_prompt_is_left_quietly(key, finished, monkeypatch, capsys):
    from jepa_core.cli import ask as module

    monkeypatch.setattr("builtins.input", lambda prompt: (_ for _ in ()).throw(key))
    module._at_a_prompt(jepa_core.load(finished).asker(), as_json=False)
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("", "one question a line; Ctrl-D or Ctrl-C ends\n\n")
