"""Six answers judged by hand, and the identity that the decomposition promises."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from jepa_plugins.text.answers import Question, answer_all, cuts, examples, judge, metrics
from jepa_plugins.text.scoring.scorers import make_scorer
from tests.plugins.text.speaker import Speaker

EXPECTED = "a+b"


def judged(text: str, stopped: bool, scorer: str = "exact", expected: str = EXPECTED):
    return judge(Question([1], "lines with", expected), text, stopped, *make_scorer(scorer))


@pytest.mark.parametrize(
    ("text", "stopped", "right", "content", "kind"),
    [
        ("a+b", True, True, True, "right"),
        (" a+b\n", True, True, True, "right"),
        ("a+b", False, True, True, "right but ended elsewhere"),
        ("a+b.*", True, False, True, "right but ended elsewhere"),
        ("a+b\nlines", False, False, True, "right but ended elsewhere"),
        ("a+", True, False, False, "wrong"),
        ("b+a", True, False, False, "wrong"),
        ("", True, False, False, "wrong"),
    ],
)
def test_one_answer(text, stopped, right, content, kind):
    found = judged(text, stopped)
    assert (found.right, found.content, found.kind) == (right, content, kind)
    assert bool(found.why) is not right


def test_another_scorer_decides_what_is_right():
    assert judged("aa*b", True, "regex_equivalence").kind == "right"
    assert judged("aa*b\nlines with", False, "regex_equivalence").kind == "right but ended elsewhere"
    found = judged("aa*b", True, "regex_equivalence")
    assert found.scores == {
        "exact": False, "first_line": False, "starts_with": False, "contains": False, "regex_equivalence": True,
    }  # fmt: skip


def test_where_an_answer_is_cut():
    assert cuts("one two three\nfour", "six") == {"one", "one two three"}
    assert cuts("a\nb\nc", "xx\ny") == {"a\nb\n"[:4], "a\nb"}
    assert cuts("a+b", "a+b") == set()


def test_metrics_by_hand():
    texts = [("a+b", True), ("a+b.*", True), ("a+b", False), ("a+", True), ("", True), ("b+a\na+b", False)]
    found = metrics([judged(text, stopped) for text, stopped in texts])
    assert found == pytest.approx({
        "num_samples": 6, "exact": 2 / 6, "first_line": 2 / 6, "starts_with": 3 / 6, "contains": 4 / 6,
        "content": 3 / 6, "stopped": 4 / 6, "content_and_stopped": 1 / 6, "too_long": 2 / 6, "too_short": 2 / 6,
        "unjudged": 0, "length_ratio": (1 + 5 / 3 + 1 + 2 / 3 + 0 + 7 / 3) / 6,
    })  # fmt: skip
    assert metrics([]) == {"num_samples": 0}


def test_the_datas_own_faults_are_counted():
    found = metrics([judged("#### 1", True, "number", "one"), judged("#### 1", True, "number", "#### 1")])
    assert (found["unjudged"], found["number"], found["content"]) == (0.5, 0.5, 0.5)


texts = some.lists(some.sampled_from(["a", "+", "b", "\n", " "]), max_size=6).map("".join)


@given(texts, some.booleans(), texts.filter(str.strip))
def test_exact_is_content_and_stopping_and_length(text, stopped, expected):
    found = judged(text, stopped, "exact", expected)
    assert (found.right and found.stopped) == (found.content and found.stopped and found.length_ratio == 1)
    assert found.content >= found.right


def test_examples_are_the_first_of_each_kind():
    answers = [judged("a+b", True), judged("x", True), judged("a+b", True), judged("a+bc", True), judged("y", False)]
    shown = examples(answers, each=1)
    assert [(line["kind"], line["text"]) for line in shown] == [
        ("right", "a+b"),
        ("right but ended elsewhere", "a+bc"),
        ("wrong", "x"),
    ]
    assert shown[2]["why"] == "another text"
    assert len(examples(answers)) == 5


def test_from_prompts_to_answers():
    letters = " ab+"
    speaker = Speaker({40: [1, 3, 2, 9, 0], 41: [1, 3, 2, 2, 2], 42: [2, 9, 0, 0, 0]})
    questions = [Question([40], "forty", EXPECTED), Question([41], "forty-one", EXPECTED), Question([42], "", EXPECTED)]
    answers = answer_all(
        speaker, questions, lambda ids: "".join(letters[i] for i in ids), [9], make_scorer("exact"), 5, 2
    )
    assert [(answer.text, answer.stopped, answer.kind) for answer in answers] == [
        ("a+b", True, "right"),
        ("a+bbb", False, "right but ended elsewhere"),
        ("b", True, "wrong"),
    ]
    assert [answer.prompt for answer in answers] == ["forty", "forty-one", ""]
