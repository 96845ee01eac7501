"""Conversations: turns of text with a role each, read from the rows of a file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jepa_core import DataError, did_you_mean, show

SYSTEM, USER, ASSISTANT = "system", "user", "assistant"
ROLES = (SYSTEM, USER, ASSISTANT)


@dataclass(frozen=True)
class Conversation:
    """roles, contents: of each turn, the last one an assistant's; line: in its file, from 1.

    left_out: turns after the last assistant turn, which nobody answers; merged: characters of a system message put at
    the front of the first user turn, 0 without one.
    """

    roles: tuple[str, ...]
    contents: tuple[str, ...]
    line: int = 0
    left_out: int = 0
    merged: int = 0

    @property
    def question(self) -> str:
        """The content of the last user turn."""
        return self.contents[len(self.roles) - 1 - self.roles[::-1].index(USER)]

    def messages(self) -> list[dict[str, str]]:
        """The turns in the form that chat templates take."""
        return [{"role": r, "content": c} for r, c in zip(self.roles, self.contents, strict=True)]

    def with_system_merged(self) -> Conversation:
        """Puts the system message and an empty line in front of the user turn, for templates without that role."""
        if self.roles[0] != SYSTEM:
            return self
        system, user, *rest = self.contents
        contents = (f"{system}\n\n{user}", *rest)
        return replace(self, roles=self.roles[1:], contents=contents, merged=len(system))


def conversation(row: object, where: str, line: int) -> Conversation:
    """Makes the conversation of a row: ``{"messages": [...]}`` or ``{"prompt": …, "completion": …}``.

    where: opens the message of a DataError, which names the field.
    """
    places, turns = [], []
    for place, message in _messages(row, where):
        places.append(f"{where}: {place}")
        turns.append(_turn(message, places[-1]))
    roles, contents = [role for role, _ in turns], [content for _, content in turns]
    _check_order(roles, where, places)
    last = len(roles) - 1 - roles[::-1].index(ASSISTANT)
    if not contents[last].strip():
        raise DataError(f"{places[last]}: expected an answer, it is empty")
    return Conversation(tuple(roles[: last + 1]), tuple(contents[: last + 1]), line, left_out=len(roles) - last - 1)


def _messages(row: object, where: str) -> list[tuple[str, Any]]:
    """Lists each message with its field."""
    if not isinstance(row, Mapping):
        raise DataError(f"{where}: expected an object with messages, or with prompt and completion, not {show(row)}")
    if row.get("messages") is not None:
        return _listed(row, "messages", where)
    if row.get("prompt") is None:
        known = ("messages", "prompt", "completion")
        guess = next((words for key in row if (words := did_you_mean(key, known)) and key not in known), "")
        there = (key if value is not None else f"{key} (null)" for key, value in row.items())
        found = f"there is {', '.join(there) or 'nothing'}"
        raise DataError(f"{where}: expected messages, or prompt and completion; {found}{guess}")
    if isinstance(row["prompt"], str):
        texts = {"prompt": USER, "completion": ASSISTANT}
        return [(field, {"role": role, "content": row.get(field)}) for field, role in texts.items()]
    return _listed(row, "prompt", where) + _listed(row, "completion", where)


def _listed(row: Mapping[str, Any], field: str, where: str) -> list[tuple[str, Any]]:
    messages = row.get(field)
    if not isinstance(messages, list) or not messages:
        text = "" if field == "messages" else "text or "
        raise DataError(f"{where}: {field}: expected {text}a list of messages, not {show(messages)}")
    return [(f"{field}[{i}]", message) for i, message in enumerate(messages)]


def _turn(message: object, where: str) -> tuple[str, str]:
    if not isinstance(message, Mapping):
        raise DataError(f"{where}: expected an object with role and content, not {show(message)}")
    role, content = message.get("role"), message.get("content")
    if role not in ROLES:
        guess = did_you_mean(role, ROLES) if isinstance(role, str) else ""
        found = "it is missing" if role is None else f"not {show(role)}"
        raise DataError(f"{where}: role: expected {', '.join(ROLES)}, {found}{guess}")
    if others := [key for key, value in message.items() if key not in ("role", "content") and value is not None]:
        raise DataError(f"{where}: {others[0]}: expected role and content alone; nothing else is trained on here")
    if not isinstance(content, str):
        found = "it is missing" if content is None else f"not {show(content)}"
        raise DataError(f"{where}: content: expected text, {found}")
    try:
        content.encode("utf-8")
    except UnicodeEncodeError as error:
        half = f"\\u{ord(content[error.start]):04x}"
        raise DataError(f"{where}: content: expected text, {half} is half a character") from error
    return role, content


def _check_order(roles: Sequence[str], where: str, places: Sequence[str]) -> None:
    if SYSTEM in roles[1:]:
        raise DataError(f"{places[roles.index(SYSTEM, 1)]}: role: a system message can only be the first")
    if ASSISTANT not in roles:
        raise DataError(f"{where}: expected an assistant's turn, there is none")
    if (first := roles.index(ASSISTANT)) == (roles[0] == SYSTEM):
        raise DataError(f"{places[first]}: role: expected a user's turn before the assistant's first")
