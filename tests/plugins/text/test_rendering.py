from __future__ import annotations

import pytest

from jepa_plugins.text.conversation import Conversation
from jepa_plugins.text.rendering import Rendering, Skeleton, Slot, by_difference, common_length, marked, skeleton_of

ROLES = ("user", "assistant")


def lines(conversation: Conversation) -> str:
    """A template of a line a turn."""
    return "".join(f"[{r}]{c.strip()}.\n" for r, c in zip(conversation.roles, conversation.contents, strict=True))


def parts(rendering: Rendering | None) -> list[tuple[str, str]]:
    assert rendering is not None
    return [(slot.role, rendering.text[slot.start : slot.end]) for slot in rendering.slots]


def test_a_skeleton_is_what_stands_around_marks():
    assert skeleton_of(lines(marked(ROLES))) == Skeleton(("[user]", ".\n[assistant]", ".\n"), (0, 1))


@pytest.mark.parametrize(
    "contents", [("hi", "ho"), (" hi ", "\n"), ("", ""), (".\n[assistant]", "[user]"), ("hi", "hi")]
)
def test_contents_are_found_whatever_is_in_them(contents):
    """Contents may even look like the template itself."""
    conversation = Conversation(ROLES, contents)
    text = lines(conversation)
    skeleton = skeleton_of(lines(marked(ROLES)))
    wanted = [("user", contents[0].strip()), ("assistant", contents[1].strip())]
    assert parts(skeleton.fit(conversation, text)) == wanted
    assert parts(by_difference(conversation, text, lines, skeleton)) == wanted


def test_literals_are_all_the_rest():
    rendering = skeleton_of(lines(marked(ROLES))).fit(Conversation(ROLES, ("hi", "ho")), "[user]hi.\n[assistant]ho.\n")
    assert [rendering.text[a:b] for a, b in rendering.literals] == ["[user]", ".\n[assistant]", ".\n"]


def test_another_text_does_not_fit():
    assert (
        skeleton_of(lines(marked(ROLES))).fit(Conversation(ROLES, ("hi", "ho")), "[user]hi.\n[assistant]HO.\n") is None
    )


def test_contents_that_change_what_is_around_them_are_found_by_what_changes():
    def thoughtful(conversation: Conversation) -> str:
        thought, _, said = conversation.contents[1].rpartition("</think>")
        return f"<{conversation.contents[0]}>({thought}){said}!"

    conversation = Conversation(ROLES, ("hi", "hm</think>ho"))
    skeleton = skeleton_of(thoughtful(marked(ROLES)))
    assert skeleton.fit(conversation, "<hi>(hm)ho!") is None
    assert parts(by_difference(conversation, "<hi>(hm)ho!", thoughtful, skeleton)) == [
        ("user", "hi"),
        ("assistant", "hm)ho"),
    ]


def test_contents_that_are_mixed_are_given_up():
    def mixed(conversation: Conversation) -> str:
        first, second = conversation.contents
        return "".join(a + b for a, b in zip(first, second, strict=False))

    assert by_difference(Conversation(ROLES, ("abc", "xyz")), "axbycz", mixed, Skeleton(("", "", ""), (0, 1))) is None


class TestGenerated:
    """Spans that a template says the assistant writes, as places in a text of marks."""

    def test_they_move_with_the_contents(self):
        marks = lines(marked(ROLES))
        start = marks.index("[assistant]") + len("[assistant]")
        skeleton = skeleton_of(marks, [(start, len(marks) - 1)])
        rendering = skeleton.fit(
            Conversation(ROLES, ("longer than a mark", "ho")), lines(Conversation(ROLES, ("longer than a mark", "ho")))
        )
        assert [rendering.text[a:b] for a, b in rendering.generated] == ["ho."]


class TestMergedSystem:
    """A system message at the front of a user's content is a slot of its own."""

    @pytest.mark.parametrize(
        ("system", "user", "found"),
        [
            ("s", "u", [("system", "s"), ("user", "u"), ("assistant", "a")]),
            (" \n s ", " u ", [("system", "s "), ("user", " u"), ("assistant", "a")]),
            ("s\n\ns", "u", [("system", "s\n\ns"), ("user", "u"), ("assistant", "a")]),
            ("s", "", [("system", "s"), ("user", ""), ("assistant", "a")]),
            (" ", " ", [("system", ""), ("user", ""), ("assistant", "a")]),
        ],
    )
    def test_whatever_white_space_the_template_takes_away(self, system, user, found):
        conversation = Conversation(("system", *ROLES), (system, user, "a")).with_system_merged()
        rendering = skeleton_of(lines(marked(ROLES))).fit(conversation, lines(conversation))
        assert parts(rendering) == found


def test_the_answer_comes_after_what_closes_the_turn_before():
    skeleton = Skeleton(("[user]", ".\n[assistant]", ".\n"), (0, 1), closing=2)
    conversation = Conversation(ROLES, ("hi", "ho"))
    for rendering in (
        skeleton.fit(conversation, lines(conversation)),
        by_difference(conversation, lines(conversation), lines, skeleton),
    ):
        assert rendering.text[: rendering.branch] == "[user]hi.\n"
        assert rendering.slots[-1] == Slot(21, 23, "assistant")


@pytest.mark.parametrize(
    ("one", "other", "same"), [("", "", 0), ("abc", "abd", 2), ("abc", "abc", 3), ("ab", "abc", 2), ("x", "y", 0)]
)
def test_common(one, other, same):
    assert common_length(one, other) == same
