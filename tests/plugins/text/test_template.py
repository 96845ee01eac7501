from __future__ import annotations

import datetime

import pytest

from jepa_core.errors import DataError
from jepa_plugins.text.conversation import Conversation
from jepa_plugins.text.encoding import Encoder
from jepa_plugins.text.rendering import Rendering
from jepa_plugins.text.template import PLAIN, ChatTemplate
from tests.plugins.text.specimen import CHATML, TEMPLATES, tokenizer

ROLES = ("system", "user", "assistant", "user", "assistant")
TALK = Conversation(ROLES, ("s", "hello ", "hi", "how", " fine"), 7)
TRIMMING = ("llama3", "gemma")


def template(name: str) -> ChatTemplate:
    made = tokenizer(name)
    return ChatTemplate(made, made.chat_template, "tok: the chat template", Encoder(made))


def render(name: str, conversation: Conversation = TALK) -> Rendering:
    made = template(name)
    fitting = conversation if made.has_system else conversation.with_system_merged()
    return made.render(fitting, "f: line 7")


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_text_is_the_tokenizers_own(name, monkeypatch):
    made = tokenizer(name)
    messages = TALK.messages() if name != "gemma" else TALK.with_system_merged().messages()
    own = made.apply_chat_template(messages, tokenize=False)
    today = datetime.datetime.now().strftime("%d %b %Y")
    assert render(name).text == own.replace(f"Today: {today}", "Today: 26 Jul 2024")


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_content_is_found(name):
    rendering = render(name)
    found = [(slot.role, rendering.text[slot.start : slot.end]) for slot in rendering.slots]
    wanted = [(r, c.strip() if name in TRIMMING else c) for r, c in zip(TALK.roles, TALK.contents, strict=True)]
    if name == "mistral":
        wanted = [*wanted[1:3], wanted[0], *wanted[3:]]
    if name == "gemma":  # merged, so inside the user's content
        wanted[1] = ("user", "hello")
    assert found == wanted


@pytest.mark.parametrize(
    ("name", "close", "opened"),
    [
        ("chatml", "<|im_end|>\n", "<|im_start|>assistant\n"),
        ("qwen3", "<|im_end|>\n", "<|im_start|>assistant\n<think>\n\n</think>\n\n"),
        ("llama3", "<|eot_id|>", "<|start_header_id|>assistant<|end_header_id|>\n\n"),
        ("gemma", "<end_of_turn>\n", "<start_of_turn>model\n"),
        ("mistral", "[/INST]", " "),
        ("phi3", "<|end|>\n", "<|assistant|>\n"),
        ("vicuna", " ", "ASSISTANT: "),
        ("plain", "\n", ""),
    ],
)
def test_the_branch_is_between_what_closes_the_users_turn_and_what_opens_the_answer(name, close, opened):
    """Phi-3 writes the end of the text behind a user's turn that is the last, and here it is not."""
    TEMPLATES.setdefault("plain", PLAIN)
    rendering = render(name)
    assert rendering.text[rendering.slots[-2].end : rendering.branch] == close
    assert rendering.text[rendering.branch : rendering.slots[-1].start] == opened
    TEMPLATES.pop("plain")


def test_which_templates_take_a_system_message():
    assert [name for name in TEMPLATES if not template(name).has_system] == ["gemma"]
    silent = "{% for m in messages if m['role'] != 'system' %}{{ m['content'] + eos_token }}{% endfor %}"
    assert not template(silent).has_system


def test_the_day_is_always_the_same_and_that_is_told():
    assert template("chatml").notes == []
    assert template("dated").notes == ["tok: the chat template writes the day's date; here it is always 26 Jul 2024"]
    assert "Today: 26 Jul 2024" in render("dated").text
    variable = TEMPLATES["dated"].replace("'%d %b %Y'", "form").replace("{{ bos", "{% set form = '%Y' %}{{ bos")
    assert template(variable).notes == [
        "tok: the chat template writes the day's date, so that a text is other tokens on another day"
    ]


def test_a_template_that_strips_one_role_alone():
    stripping = CHATML.replace("message['content']", "(message['content'] | trim if loop.last else message['content'])")
    rendering = render(stripping)
    assert [rendering.text[s.start : s.end] for s in rendering.slots] == ["s", "hello ", "hi", "how", "fine"]


def test_thoughts_in_an_answer_are_part_of_it():
    """Qwen 3 takes an answer apart, and takes the thoughts out of earlier ones."""
    thoughtful = Conversation(ROLES[1:], ("u", "<think>\nA\n</think>\n\nB", "v", "<think>\nC\n</think>\n\nD"))
    rendering = render("qwen3", thoughtful)
    assert [rendering.text[s.start : s.end] for s in rendering.slots] == ["u", "B", "v", "C\n</think>\n\nD"]


class TestGeneration:
    def test_what_the_template_says_the_assistant_writes(self):
        rendering = render("generation")
        assert [rendering.text[a:b] for a, b in rendering.generated] == ["hi<|im_end|>", " fine<|im_end|>"]
        assert render("chatml").generated == ()

    def test_also_where_a_template_looks_into_contents(self):
        looking = TEMPLATES["generation"].replace("message['content']", "message['content'] | replace('f', 'F')")
        rendering = render(looking)
        assert [rendering.text[a:b] for a, b in rendering.generated] == ["hi<|im_end|>", " Fine<|im_end|>"]


class TestRefused:
    def test_a_conversation_is_told_with_its_line(self):
        twice = Conversation(("user", "user", "assistant"), ("a", "b", "c"), 3)
        assert render("chatml", twice).text.count("<|im_start|>") == 3
        with pytest.raises(DataError) as error:
            template("gemma").render(twice, "d.jsonl: line 3")
        refused = "the chat template refuses it: Conversation roles must alternate user/assistant/user/assistant/..."
        assert str(error.value) == f"d.jsonl: line 3: {refused}"

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("{% for m in messages %}", "fails for the turns user, assistant: Unexpected end of template"),
            ("{{ messages[9]['content'] }}", "fails for the turns user, assistant: list object has no element 9"),
            (
                "{{ messages[0]['content'] }}",
                "expected each content once, the answer last, of the turns user, assistant",
            ),
            (CHATML + "{{ messages[1]['content'] }}", "expected each content once"),
            (CHATML.replace("in messages", "in messages | reverse"), "expected each content once, the answer last"),
        ],
    )
    def test_a_template_that_can_not_be_used_is_told_with_its_name(self, text, words):
        with pytest.raises(DataError) as error:
            template(text)
        assert str(error.value).startswith(f"tok: the chat template: {words}")
        assert "\n" not in str(error.value)

    def test_contents_that_can_not_be_told_apart(self):
        mixing = "{% for m in messages %}{{ m['content'] }}{% endfor %}{{ messages | map(attribute='content') | join }}"
        with pytest.raises(DataError, match="expected each content once"):
            template(mixing)
