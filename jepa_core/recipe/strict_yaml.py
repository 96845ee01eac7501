"""A strict reader for small YAML files: YAML 1.2 scalars, nothing given twice, everything bounded.

It walks PyYAML's events, which come one by one, so that a file nested too deep, or a bomb of aliases, is
refused before it costs anything.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from jepa_core.errors import Problem, RecipeError
from jepa_core.recipe.scalars import plain_scalar
from jepa_core.recipe.yaml_events import MAX_BYTES, Refused, decode, events, line_of
from jepa_core.registry.places import KeyPath, dotted

MAX_DEPTH = 20
MAX_NODES = 20_000
MAX_ALIASES = 16
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True)
class Document:
    """A file that was read.

    lines: key path -> line, from 1; path: as the user typed it; problems: those that leave the rest readable, such as
    a key given twice, with their lines.
    """

    data: Any
    lines: dict[KeyPath, int]
    path: str
    problems: Mapping[Problem, int] = field(default_factory=dict)


def load_yaml(path: str | Path, *, most: int = MAX_NODES) -> Document:
    """Reads the only document of a YAML file, with up to `most` entries. Raises RecipeError with all problems."""
    document = read_yaml(path, most=most)
    if document.problems:
        raise RecipeError(document.problems)
    return document


def read_yaml(path: str | Path, shown: str = "", *, most: int = MAX_NODES) -> Document:
    """Reads like :func:`load_yaml`, but raises only where no data can be had at all.

    shown: the file's name in messages, by default `path`.
    """
    shown = shown or str(path)
    try:
        if not Path(path).is_file():
            message = "not a file" if Path(path).exists() else "no such file"
            raise RecipeError([Problem(shown, "", message)])
        with open(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        raise RecipeError([Problem(shown, "", f"could not be read: {error}")]) from error
    return parse_yaml(content, shown, most=most)


def parse_yaml(content: bytes | str, shown: str, *, most: int = MAX_NODES) -> Document:
    """Reads like :func:`read_yaml`, from memory."""
    try:
        reader = _Reader(decode(content), most)
        data = reader.read()
    except Refused as refused:
        raise RecipeError([Problem(f"{shown}:{refused.line}", "", str(refused))]) from refused
    return Document(
        data,
        reader.lines,
        shown,
        {Problem(f"{shown}:{line}", dotted(path), text): line for line, path, text in reader.problems},
    )


class _Reader:
    """Builds plain data from events, and notes the line of every key and list item."""

    def __init__(self, text: str, most: int):
        self.events = events(text)
        self.most = most
        self.lines: dict[KeyPath, int] = {}
        self.problems: list[tuple[int, KeyPath, str]] = []
        self.anchors: dict[str, Any] = {}
        self.aliases = self.nodes = 0

    def read(self) -> Any:
        next(self.events)  # the stream's start
        if isinstance(next(self.events), yaml.StreamEndEvent):
            raise Refused(1, "the file is empty")
        data = self.node(next(self.events), ())
        next(self.events)  # the document's end
        after = next(self.events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise Refused(line_of(after), "a second document begins; one file holds one")
        return data

    def node(self, event: yaml.Event, path: KeyPath) -> Any:
        self.lines.setdefault(path, line_of(event))
        return self.value(event, path)

    def value(self, event: Any, path: KeyPath) -> Any:
        self.nodes += 1
        if self.nodes > self.most:
            raise Refused(line_of(event), f"more than {self.most} entries")
        if isinstance(event, yaml.AliasEvent):
            return self.alias(event)
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self.problem(event, path, f"the tag '{tag}' is not allowed; write plain YAML")
        aliases = self.aliases
        value = self.untagged(event, path)
        if event.anchor is not None:
            self.anchors.pop(event.anchor, None)
            if aliases == self.aliases:
                self.anchors[event.anchor] = value
        return value

    def untagged(self, event: yaml.Event, path: KeyPath) -> object:
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event, path)
        if len(path) >= MAX_DEPTH:
            raise Refused(line_of(event), f"nested deeper than {MAX_DEPTH} levels")
        return (self.mapping if isinstance(event, yaml.MappingStartEvent) else self.sequence)(path)

    def scalar(self, event: yaml.ScalarEvent, path: KeyPath) -> Any:
        if found := _CONTROL.search(event.value):
            self.problem(event, path, f"holds the control character U+{ord(found[0]):04X}")
            return None
        if event.style is not None:
            return event.value
        try:
            return plain_scalar(event.value)
        except ValueError as error:
            self.problem(event, path, str(error))
            return None

    def alias(self, event: yaml.AliasEvent) -> Any:
        """A copy of what the anchor named; only values free of aliases can be named, so nothing explodes."""
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise Refused(line_of(event), f"more than {MAX_ALIASES} aliases")
        if event.anchor not in self.anchors:
            reason = "names nothing above it, or a value that holds an alias itself"
            raise Refused(line_of(event), f"the alias '*{event.anchor}' {reason}")
        return copy.deepcopy(self.anchors[event.anchor])

    def sequence(self, path: KeyPath) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self.node(event, (*path, len(items))))
        return items

    def mapping(self, path: KeyPath) -> dict[str, Any]:
        data: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.key(event, path)
            place = (*path, "?" if key is None else key)
            first = self.lines.setdefault(place, line_of(event))
            value = self.node(next(self.events), place)
            if key in data:
                self.problem(event, place, f"given twice, first on line {first}")
            elif key is not None:
                data[key] = value
        return data

    def key(self, event: yaml.Event, path: KeyPath) -> str | None:
        """The key, or None for one that is refused."""
        key = self.value(event, (*path, "?"))
        plain = isinstance(event, yaml.ScalarEvent) and event.style is None
        if key == "<<" and plain:
            self.problem(event, path, "merge keys (<<) are not allowed; write the keys out")
        elif isinstance(key, str):
            return key
        elif isinstance(event, yaml.ScalarEvent):
            self.problem(event, path, f"the key {event.value[:40]!r} is not text; put it in quotes")
        else:
            self.problem(event, path, "a key is text, not a list or a mapping")
        return None

    def problem(self, event: yaml.Event, path: KeyPath, message: str) -> None:
        self.problems.append((line_of(event), path, message))
