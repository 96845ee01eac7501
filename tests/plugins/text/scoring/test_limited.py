"""Tasks that never end, or refuse, or take the process with them."""

from __future__ import annotations

import sqlite3

import pytest

from jepa_plugins.text.scoring.limited import LimitedProcess, LimitError

#: An automaton of 2³⁰ states: is the thirtieth character from the end an a?
ENDLESS = "(a|b)*a(a|b){30}"


def test_the_process_serves_several_tasks():
    process = LimitedProcess(20)
    assert process.call("regex", "a|b", "b|a") == "same"
    first = process._process
    assert process.call("regex", "a", "b") == "others"
    assert process._process is first


def test_a_task_without_end_is_ended_and_the_next_one_served():
    process = LimitedProcess(0.5)
    process.call("regex", "a", "a")
    with pytest.raises(LimitError, match=r"no result within 0\.5 s"):
        process.call("regex", ENDLESS, ENDLESS + "a")
    assert process.call("regex", "a", "a") == "same"


def test_a_refusal_names_its_cause_and_leaves_the_process():
    process = LimitedProcess(20)
    with pytest.raises(LimitError, match="character 1: '\\(' is not closed"):
        process.call("regex", "(", "a")
    with pytest.raises(LimitError, match="recursion"):
        process.call("regex", "(" * 5000 + ")" * 5000, "a")
    assert process.call("regex", "a", "a") == "same"


def test_memory_is_limited(tmp_path):
    sqlite3.connect(tmp_path / "small.sqlite").close()
    large = [str(tmp_path / "small.sqlite"), "select length(hex(zeroblob(150000000)))", "select 300000000"]
    assert LimitedProcess(20).call("sql", *large)["right"]
    process = LimitedProcess(20, memory=256 << 20)
    with pytest.raises(LimitError, match="too little memory"):
        process.call("sql", *large)
    assert process.call("sql", large[0], "select 1", "select 1")["right"]


def test_closing_ends_it_and_a_call_starts_another():
    process = LimitedProcess(20)
    process.call("regex", "a", "a")
    running = process._process
    process.close()
    assert running.poll() is not None
    assert process.call("regex", "a", "a") == "same"


def test_some_time_is_needed():
    with pytest.raises(ValueError, match="above 0"):
        LimitedProcess(0)
