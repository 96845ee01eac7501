from __future__ import annotations

import pytest

from jepa_plugins.text.conversation import Conversation
from jepa_plugins.text.encoding import Encoder
from jepa_plugins.text.owners import owners_of
from jepa_plugins.text.tags import TAGS, Tag, TokenRow, row_of, turn_of
from jepa_plugins.text.template import PLAIN, ChatTemplate
from tests.plugins.text.specimen import ENDS, TEMPLATES, tokenizer

ROLES = ("system", "user", "assistant", "user", "assistant")
#: White space at the edges, several tokens a character, CRLF, something like the template's.
TALK = Conversation(ROLES, ("be\r\nkind", "hé 🐕", "hi user\n", "how\n\n", "~((dog.*[0-9].*){3,})"))


def parts(name: str, conversation: Conversation = TALK, kind: str = "bytes"):
    made = tokenizer(name, kind=kind)
    encoder = Encoder(made)
    template = ChatTemplate(made, made.chat_template, "t", encoder)
    rendering = template.render(conversation if template.has_system else conversation.with_system_merged(), "f")
    [tokens] = encoder.encode([rendering.text])
    return made, (rendering, tokens, *owners_of([rendering], [tokens], encoder), encoder)


def row(
    name: str, conversation: Conversation = TALK, kind: str = "bytes", train_on: str = "all"
) -> tuple[TokenRow, object]:
    made, found = parts(name, conversation, kind)
    return row_of(*found, made.eos_token_id, train_on), made


def runs(made, row: TokenRow, tag: int) -> list[str]:
    """The text in each run of neighbouring tokens with this tag."""
    found: list[list[int]] = []
    for place, (token, own) in enumerate(zip(row.ids.tolist(), row.tags.tolist(), strict=True)):
        if own == tag:
            if not place or row.tags[place - 1] != tag:
                found.append([])
            found[-1].append(token)
    return [made.decode(ids) for ids in found]


def test_the_names_are_in_the_order_of_the_numbers():
    assert [getattr(Tag, name.upper()) for name in TAGS] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("name", TEMPLATES)
def test_each_turn_is_tagged_as_the_template_renders_it(name):
    found, made = row(name)
    stripped = name in ("llama3", "gemma")
    contents = [c.strip() if stripped else c for c in TALK.contents]
    assert runs(made, found, Tag.SYSTEM) == contents[:1]
    assert runs(made, found, Tag.USER) == [contents[1], contents[3]]
    assert runs(made, found, Tag.ASSISTANT) == [contents[2], contents[4]]


@pytest.mark.parametrize("kind", ["bytes", "pieces"])
@pytest.mark.parametrize("name", TEMPLATES)
def test_answers_and_what_ends_them_are_labels_and_nothing_else(name, kind):
    found, made = row(name, kind=kind)
    ends = made.convert_ids_to_tokens(found.ids[found.tags == Tag.END].tolist())
    assert ends == [ENDS[name][0], *ENDS[name]]
    assert found.unended == 0
    answers = (found.tags == Tag.ASSISTANT) | (found.tags == Tag.END)
    assert (found.labelled == answers).all()
    last, _ = row(name, kind=kind, train_on="last")
    assert (last.labelled == (answers & (found.labelled.cumsum() > found.labelled[: found.branch].sum()))).all()
    assert not last.labelled[: last.branch].any()
    assert row(name, kind=kind, train_on="every_token")[0].labelled.all()


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_branch_is_a_prefix_that_closes_the_users_turn(name):
    found, made = row(name)
    before, after = made.decode(found.ids[: found.branch].tolist()), made.decode(found.ids[found.branch :].tolist())
    _, (rendering, *_) = parts(name)
    assert before == rendering.text[: rendering.branch]
    assert before + after == rendering.text


def test_an_end_that_is_ordinary_text():
    found, made = row("{% for m in messages %}{{ m['role'] + ': ' + m['content'] + '##\n' }}{% endfor %}")
    assert runs(made, found, Tag.END) == ["##\n", "##\n"]


def test_an_answer_in_the_middle_that_is_not_ended_is_counted():
    only_last = "{% for m in messages %}{{ m['role'] + ': ' + m['content'] }}{% if loop.last %}{{ eos_token }}{% endif %}{% endfor %}"
    found, made = row(only_last)
    assert (found.unended, runs(made, found, Tag.END)) == (1, ["</s>"])


def test_an_answer_that_is_never_ended():
    endless, _ = row("{% for m in messages %}{{ m['role'] + ': ' + m['content'] }}{% endfor %}")
    assert endless.unended == 2
    assert not (endless.tags == Tag.END).any()


class TestGeneration:
    """Text that the template says the assistant writes is its content and its end."""

    def test_more_before_the_content_and_after_it(self):
        wide = (
            "{% for m in messages %}{{ '<|' + m['role'] + '|>' }}{% if m['role'] == 'assistant' %}{% generation %}"
            "{{ 'So: ' + m['content'] + '.<|end|>\n' }}{% endgeneration %}{% else %}{{ m['content'] }}{% endif %}"
            "{{ '##' }}{% endfor %}"
        )
        found, made = row(wide)
        assert runs(made, found, Tag.ASSISTANT) == ["So: hi user\n", "So: ~((dog.*[0-9].*){3,})"]
        assert runs(made, found, Tag.END) == [".<|end|>\n", ".<|end|>\n"]

    def test_where_it_leaves_the_end_out_the_end_is_trained_all_the_same(self):
        narrow = TEMPLATES["generation"].replace(
            "+ '<|im_end|>' }}{% endgeneration %}{{ '\n' }}", "}}{% endgeneration %}{{ '<|im_end|>\n' }}"
        )
        assert narrow != TEMPLATES["generation"]
        found, made = row(narrow)
        assert runs(made, found, Tag.END) == ["<|im_end|>", "<|im_end|>"]


def test_empty_turns():
    empty = Conversation(ROLES, ("", "", "", "", "a"))
    found, made = row("chatml", empty)
    assert not (found.tags == Tag.USER).any()
    assert runs(made, found, Tag.ASSISTANT) == ["a"]
    assert runs(made, found, Tag.END) == ["<|im_end|>", "<|im_end|>"]
    assert made.decode(found.ids[: found.branch].tolist()).endswith("user\n<|im_end|>\n")


def test_a_prompt_and_an_answer_that_share_a_token():
    """A line break in plain text may be one token with what stands before or after it."""
    pair = Conversation(("user", "assistant"), ("how\n", "fine"))
    made, found = parts(PLAIN, pair)
    spaces = Conversation(("user", "assistant"), ("how", "\n fine"))
    for talk in (pair, spaces):
        found, made = row(PLAIN, talk)
        assert made.decode(found.ids[found.labelled].tolist()).endswith("fine</s>")
        assert found.branch <= int(found.labelled.argmax())


def test_a_prompts_last_token_is_part_of_it_though_it_reaches_into_the_answers_turn():
    """A blank opens the answer's turn, and is one token with what stands before it."""
    opening = "{% for m in messages %}{{ (' ' if m['role'] == 'assistant' else '') + m['content'] }}{% endfor %}</s>"
    found, made = row(opening, Conversation(("user", "assistant"), ("hello", "~")), kind="pieces")
    last = found.ids[found.branch - 1 : found.branch].tolist()
    assert made.convert_ids_to_tokens(last) == ["o▁"]
    assert found.tags[found.branch - 1] == Tag.USER


def test_a_turn_alone_branches_where_its_content_ends():
    made, found = parts("chatml", Conversation(("user",), (" hello\n",)))
    turn = turn_of(*found[:3])
    assert made.decode(turn.ids[: turn.branch].tolist()) == "<|im_start|>user\n hello\n"
    assert made.decode(turn.ids[turn.branch :].tolist()) == "<|im_end|>\n"
    assert not turn.labelled.any()


def test_taking_tokens_out_of_the_prompt():
    found, _ = row("chatml")
    users = (found.tags == Tag.USER).nonzero()[0]
    shorter = found.without(users[:2])
    assert len(shorter) == len(found) - 2
    assert shorter.ids[shorter.branch :].tolist() == found.ids[found.branch :].tolist()
    assert shorter.labelled.sum() == found.labelled.sum()
