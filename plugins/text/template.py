"""A tokenizer's chat template, which renders conversations as text with the place of every turn's content."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np

from jepa_core import DataError
from jepa_core.errors import one_line
from jepa_plugins.text.conversation import ASSISTANT, SYSTEM, USER, Conversation
from jepa_plugins.text.encoding import Encoder
from jepa_plugins.text.rendering import Rendering, Skeleton, Span, by_difference, marked, skeleton_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

#: A template with each turn's content on a line; an answer ends with the tokenizer's end of text.
PLAIN = (
    "{% for message in messages %}{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% else %}{{ '\\n' }}{% endif %}{% endfor %}"
)
#: The date for templates that write the current one: a text must become the same tokens on every day.
DAY = date(2024, 7, 26)
_TODAY = re.compile(r"""strftime_now\(\s*(["'])(.*?)\1\s*\)""")
_GENERATION = re.compile(r"\{%-?\s*generation\s*-?%\}")


class ChatTemplate:
    """Renders conversations by a template, and finds each content in the text.

    text: the template; name: the beginning of messages about it. Raises DataError when it can't even render a
    question and its answer.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase, text: str, name: str, encoder: Encoder):
        self.tokenizer = tokenizer
        self.name = name
        self._dated = bool(_TODAY.search(text))
        self.text = _TODAY.sub(lambda call: repr(DAY.strftime(call[2])), text)
        self.marks_generation = bool(_GENERATION.search(text))
        self._encoder = encoder
        self._skeletons: dict[tuple[str, ...], Skeleton] = {}
        self.skeleton((USER, ASSISTANT))
        self.has_system = self._takes_system()

    @property
    def notes(self) -> list[str]:
        """Sentences on unexpected effects of the template."""
        notes = [f"{self.name} writes the day's date; here it is always {DAY:%d %b %Y}"] if self._dated else []
        if "strftime_now(" in self.text:
            notes.append(f"{self.name} writes the day's date, so that a text is other tokens on another day")
        return notes

    def render(self, conversation: Conversation, where: str) -> Rendering:
        """Renders a conversation. Raises DataError, which begins with `where`, if the template refuses it."""
        try:
            text = self.apply(conversation)
        except Exception as error:  # a template is a program, it can raise anything
            raise DataError(f"{where}: the chat template refuses it: {one_line(error)}") from error
        skeleton = self.skeleton(conversation.roles)
        if (found := skeleton.fit(conversation, text)) is not None:
            return found
        apart = by_difference(conversation, text, self.apply, skeleton)
        if apart is None:
            raise DataError(f"{where}: the chat template mixes the contents of turns, so no label is certain")
        return replace(apart, generated=tuple(self._generated(conversation)))

    def apply(self, conversation: Conversation) -> str:
        """Makes the text by the tokenizer's ``apply_chat_template``."""
        text: str = self.tokenizer.apply_chat_template(
            conversation.messages(), chat_template=self.text, tokenize=False, add_generation_prompt=False
        )  # type: ignore[assignment]
        return text

    def skeleton(self, roles: tuple[str, ...]) -> Skeleton:
        """The template's words around the contents of turns with these roles."""
        if roles not in self._skeletons:
            self._skeletons[roles] = self._make_skeleton(roles)
        return self._skeletons[roles]

    def _make_skeleton(self, roles: tuple[str, ...]) -> Skeleton:
        marks = marked(roles)
        try:
            skeleton = skeleton_of(self.apply(marks), self._generated(marks))
        except Exception as error:  # as above
            raise DataError(f"{self.name}: fails for the turns {', '.join(roles)}: {one_line(error)}") from error
        if sorted(skeleton.order) != [*range(len(roles))] or skeleton.order[-1] != len(roles) - 1:
            raise DataError(
                f"{self.name}: expected each content once, the answer last, of the turns {', '.join(roles)}"
            )
        return replace(skeleton, closing=self._closing(roles, skeleton))

    def _takes_system(self) -> bool:
        """Tells whether a system message gets into the text; some templates refuse one, some leave it out."""
        try:
            return 0 in skeleton_of(self.apply(marked((SYSTEM, USER, ASSISTANT)))).order
        except Exception:  # as above
            return False

    def _generated(self, conversation: Conversation) -> list[Span]:
        """The spans inside the template's ``{% generation %}``."""
        from transformers.utils.chat_template_utils import render_jinja_template

        if not self.marks_generation:
            return []
        special: dict[str, Any] = self.tokenizer.special_tokens_map
        found: Any = render_jinja_template(
            [conversation.messages()],
            chat_template=self.text,
            return_assistant_tokens_mask=True,
            **special,
        )
        return [(start, end) for start, end in found[1][0]]

    def _closing(self, roles: tuple[str, ...], skeleton: Skeleton) -> int:
        """The number of characters, in the literal before the answer, that end the previous turn.

        The template writes them too when that turn is the last, unlike those that open the answer's.
        """
        if len(roles) < 2:
            return 0
        literal = skeleton.literals[-2]
        try:
            end = skeleton_of(self.apply(marked(roles[:-1]))).literals[-1]
        except Exception:  # as above: then nothing can be told apart
            return 0
        return len(end) if literal.startswith(end) else self._common(literal, end)

    def _common(self, literal: str, other: str) -> int:
        """The number of characters in the tokens that both begin with."""
        ours, theirs = self._encoder.encode([literal, other])
        length = min(len(ours), len(theirs))
        differ = np.flatnonzero(ours.ids[:length] != theirs.ids[:length])
        common = int(differ[0]) if len(differ) else length
        return int(ours.ends[common - 1]) if common else 0
