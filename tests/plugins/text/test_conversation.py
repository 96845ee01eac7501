from __future__ import annotations

import pytest

from jepa_core.errors import DataError
from jepa_plugins.text.conversation import Conversation, conversation


def turn(role, content="x", **more):
    return {"role": role, "content": content, **more}


SYSTEM, USER, ANSWER = turn("system", "s"), turn("user", "u"), turn("assistant", "a")


def test_messages_as_they_come():
    found = conversation({"messages": [SYSTEM, USER, ANSWER, turn("user", ""), ANSWER], "id": 7}, "f", 3)
    assert found == Conversation(("system", "user", "assistant", "user", "assistant"), ("s", "u", "a", "", "a"), 3)
    assert found.messages()[:2] == [SYSTEM, USER]


def test_a_pair_is_a_user_and_an_assistant():
    pair = conversation({"prompt": "u", "completion": "a"}, "f", 1)
    assert pair == conversation({"messages": [USER, ANSWER]}, "f", 1)
    assert conversation({"prompt": [SYSTEM, USER], "completion": [ANSWER]}, "f", 1).contents == ("s", "u", "a")


def test_turns_that_nobody_answers_are_left_out_and_counted():
    found = conversation({"messages": [USER, ANSWER, USER, USER]}, "f", 1)
    assert (found.roles, found.left_out) == (("user", "assistant"), 2)


def test_what_is_null_is_not_there():
    assert conversation({"messages": [turn("user", "u", name=None), ANSWER], "prompt": None}, "f", 1).contents == (
        "u",
        "a",
    )


def test_a_system_message_merged_into_the_user_turn():
    merged = conversation({"messages": [SYSTEM, USER, ANSWER]}, "f", 1).with_system_merged()
    assert (merged.roles, merged.contents, merged.merged) == (("user", "assistant"), ("s\n\nu", "a"), 1)
    without = conversation({"messages": [USER, ANSWER]}, "f", 1)
    assert without.with_system_merged() is without


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ([1], "expected an object with messages, or with prompt and completion, not [1]"),
        ({}, "expected messages, or prompt and completion; there is nothing"),
        ({"mesages": []}, "expected messages, or prompt and completion; there is mesages; did you mean 'messages'?"),
        ({"messages": []}, "messages: expected a list of messages, not []"),
        ({"messages": "hi"}, 'messages: expected a list of messages, not "hi"'),
        ({"messages": ["hi"]}, 'messages[0]: expected an object with role and content, not "hi"'),
        ({"messages": [{"content": "x"}]}, "messages[0]: role: expected system, user, assistant, it is missing"),
        (
            {"messages": [turn("asistant")]},
            "messages[0]: role: expected system, user, assistant, not \"asistant\"; did you mean 'assistant'?",
        ),
        ({"messages": [USER, turn("tool")]}, 'messages[1]: role: expected system, user, assistant, not "tool"'),
        ({"messages": [USER]}, "expected an assistant's turn, there is none"),
        ({"messages": [ANSWER]}, "messages[0]: role: expected a user's turn before the assistant's first"),
        ({"messages": [SYSTEM, ANSWER]}, "messages[1]: role: expected a user's turn before the assistant's first"),
        ({"messages": [USER, SYSTEM, ANSWER]}, "messages[1]: role: a system message can only be the first"),
        ({"messages": [USER, turn("assistant", " \n")]}, "messages[1]: expected an answer, it is empty"),
        ({"messages": [USER, turn("assistant", None)]}, "messages[1]: content: expected text, it is missing"),
        ({"messages": [turn("user", [{"text": "x"}])]}, 'messages[0]: content: expected text, not [{"text": "x"}]'),
        ({"messages": [turn("user", 4)]}, "messages[0]: content: expected text, not 4"),
        ({"messages": [turn("user", "a\ud83d")]}, r"messages[0]: content: expected text, \ud83d is half a character"),
        (
            {"messages": [USER, turn("assistant", "a", tool_calls=[1])]},
            "messages[1]: tool_calls: expected role and content alone; nothing else is trained on here",
        ),
        ({"prompt": "u"}, "completion: content: expected text, it is missing"),
        ({"prompt": "u", "completion": ""}, "completion: expected an answer, it is empty"),
        ({"prompt": [USER], "completion": "a"}, 'completion: expected text or a list of messages, not "a"'),
    ],
)
def test_what_is_no_conversation(row, words):
    with pytest.raises(DataError) as error:
        conversation(row, "data.jsonl: line 3", 3)
    assert str(error.value) == f"data.jsonl: line 3: {words}"
