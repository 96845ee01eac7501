from __future__ import annotations

import re

import pytest

from jepa_core.recipe.yaml_events import MAX_BYTES, Refused, decode, events, line_of


def refusal(text: str) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        list(events(text))
    return caught.value.line, str(caught.value)


def test_bytes_are_utf_8_with_or_without_a_mark():
    assert decode("ä: 1".encode()) == "ä: 1"
    assert decode(b"\xef\xbb\xbfa: 1") == "a: 1"


def test_other_bytes_are_refused_at_their_line():
    with pytest.raises(Refused, match=r"not UTF-8 text \(byte 0xe4\)") as caught:
        decode("a: 1\nb: ä".encode("latin-1"))
    assert caught.value.line == 2
    with pytest.raises(Refused, match="UTF-8"):
        decode("a: 1".encode("utf-16"))


def test_size_is_bounded():
    assert decode(b"#" * MAX_BYTES)
    with pytest.raises(Refused, match="larger than 1 MiB"):
        decode(b"#" * (MAX_BYTES + 1))


def test_events_know_their_line():
    assert [line_of(event) for event in events("a:\n- b\n- c\n")][3:7] == [1, 2, 2, 3]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a:\n\tb: 1", 2, "a tab; YAML is indented with spaces"),
        ("a: 1\nb: [1,\n 2\n", 4, "expected ',' or ']'"),
        ("a: b: c", 1, "mapping values are not allowed here"),
        ("a: 1\nb: \0", 2, "U\\+0000"),
        ('a: "\\UFFFFFFFF"', 1, "out of range"),
        ("%YAML 1." + "9" * 5000 + "\n---\na", 1, "out of range"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(text, line, words):
    found, message = refusal(text)
    assert found == line
    assert "\n" not in message
    assert re.search(words, message)
