"""A reader that goes away, a full disk, a narrow encoding: a command goes on; and no text rules the terminal."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from jepa_core.streams import only_results_on_stdout, plain, plain_json, plain_warnings

SAY = """
import sys
from jepa_core.streams import outlive_readers, output_lost
outlive_readers()
for _ in range(5000):
    print("a line é 時間 " * 20)
print("to the end", file=sys.stderr, flush=True)
lost = output_lost()
with open("lost", "w") as file:
    file.write(str(lost and lost.strerror))
"""


def speak(folder: Path, shell: str, **environment: str) -> subprocess.CompletedProcess:
    """Runs SAY as ``$SAY`` of a shell command."""
    command = f"{sys.executable} -P -c '{SAY}'"
    return subprocess.run(
        ["bash", "-c", shell.replace("$SAY", command)],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
    )


@pytest.mark.parametrize(
    ("shell", "lost"),
    [
        ("$SAY | head -n 1; exit ${PIPESTATUS[0]}", "None"),
        ("$SAY >&-", "None"),
        ("$SAY >&- 2>&-", "None"),
        ("$SAY 2>/dev/full >/dev/null", "None"),
        ("$SAY >/dev/full", "No space left on device"),
        ("$SAY >/dev/full 2>&1", "No space left on device"),
    ],
)
def test_a_stream_that_takes_nothing_stops_nothing(tmp_path, shell, lost):
    done = speak(tmp_path, shell)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "lost").read_text() == lost
    assert b"Traceback" not in done.stderr
    assert b"Exception" not in done.stderr


def test_a_closed_stream_s_number_goes_to_no_other_file(tmp_path):
    code = (
        "from jepa_core.streams import outlive_readers; outlive_readers(); print(open('x', 'w').fileno(), flush=True)"
    )
    subprocess.run(["bash", "-c", f'{sys.executable} -P -c "{code}" >&-; ls'], cwd=tmp_path, check=True)
    code += "; import os; os.write(1, b'lost')"
    subprocess.run(["bash", "-c", f'{sys.executable} -P -c "{code}" >&-'], cwd=tmp_path, check=True)
    assert (tmp_path / "x").read_bytes() == b""


def test_what_an_encoding_does_not_have_is_spelled(tmp_path):
    done = speak(tmp_path, "$SAY", PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert done.stdout.startswith(rb"a line \xe9 \u6642\u9593 a line")
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b]0;owned\x07", "␛]0;owned␇"),
        ("a\x9b2Jb", "a\N{REPLACEMENT CHARACTER}2Jb"),
        ("a\rb\x7f", "a␍b␡"),
        ("\u202eevil\udc9b", "\N{REPLACEMENT CHARACTER}evil\N{REPLACEMENT CHARACTER}"),
        ("line\n\ttab é 時間 👩‍🔬", "line\n\ttab é 時間 👩‍🔬"),
    ],
)
def test_controls_become_pictures(text, shown):
    assert plain(text) == shown


def test_a_warning_shows_pictures_too(monkeypatch):
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    plain_warnings()
    shown = warnings.formatwarning("Glyph 27 (\x1b[2J) missing", UserWarning, "a.py", 3, "draw()")
    assert shown == "a.py:3: UserWarning: Glyph 27 (␛[2J) missing\n  draw()\n"


def test_what_others_print_goes_to_standard_error(capfd):
    with only_results_on_stdout():
        print("by Python")
        os.write(1, b"past Python\n")
        os.system("echo by a child")
    print("result", flush=True)
    out, err = capfd.readouterr()
    assert out == "result\n"
    assert sorted(err.splitlines()) == ["by Python", "by a child", "past Python"]


def test_json_is_what_it_says_and_gives_no_orders():
    data = {"a\x1b[2J": "é\x9b\u202e\x7f\ud800 \n"}
    text = plain_json(data)
    assert json.loads(text) == data
    assert "é" in text
    assert plain(text) == text


def test_what_libraries_log_gives_no_orders(caplog, monkeypatch):
    """A model's configuration names what it likes."""
    before = logging.getLogRecordFactory()
    with monkeypatch.context() as patch:
        patch.setattr(warnings, "formatwarning", warnings.formatwarning)
        plain_warnings()
        try:
            logging.getLogger("a.library").warning("a model of type %s", "\x1b[2Jgpt2")
        finally:
            logging.setLogRecordFactory(before)
    assert caplog.messages == ["a model of type ␛[2Jgpt2"]
