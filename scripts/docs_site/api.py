"""The page of everything that ``import jepa_core`` gives."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import jepa_core
from scripts.docs_site.docstrings import markdown, signature


def api_page() -> str:
    head = "# Python API\n\nEverything below is imported from `jepa_core` itself, and loads on first use.\n"
    names = [name for name in jepa_core.__all__ if not name.startswith("__")]
    functions = [name for name in names if inspect.isroutine(getattr(jepa_core, name))]
    classes = [name for name in names if inspect.isclass(getattr(jepa_core, name))]
    values = [name for name in names if name not in {*functions, *classes}]
    parts = [head, markdown(jepa_core).partition("\n\n")[2].partition("The other names")[0]]
    for title, chosen in (("Functions", functions), ("Classes", classes), ("Values", values)):
        parts.append(f"## {title}\n")
        parts += [_entry(name, getattr(jepa_core, name)) for name in chosen]
    return "\n".join(parts)


def _entry(name: str, thing: Any) -> str:
    if not (inspect.isclass(thing) or inspect.isroutine(thing)):
        value = repr(thing)
        return f"### `{name}`\n\n{value if len(value) < 40 else markdown(type(thing))}\n"
    parts = [f"### `{name}`", signature(name, thing), markdown(thing)]
    if inspect.isclass(thing):
        parts += members(thing)
    return "\n\n".join(part for part in parts if part) + "\n"


def members(thing: type) -> Iterator[str]:
    """The documented methods and properties of a class, its own and those that it inherits from ours."""
    for name, member in inspect.getmembers(thing):
        function = inspect.unwrap(getattr(member, "fget", None) or getattr(member, "func", None) or member)
        ours = str(getattr(function, "__module__", "")).startswith("jepa_core")
        public = not name.startswith("_") or name == "__call__"
        if not (public and ours and inspect.isroutine(function) and inspect.getdoc(function)):
            continue
        if inspect.isroutine(member):
            yield f"{signature(name, member)}\n\n{markdown(function)}"
        else:
            yield f"`{name}`: {markdown(function)}"
