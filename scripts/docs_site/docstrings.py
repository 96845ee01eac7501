"""Docstrings as Markdown."""

from __future__ import annotations

import inspect
import re
from typing import Any

_ROLE = re.compile(r":(?:class|func|meth|mod|data|attr):`~?([^`]*)`")


def markdown(thing: Any) -> str:
    """The docstring of `thing`, or the text itself; empty where there is none."""
    text = thing if isinstance(thing, str) else inspect.getdoc(thing) or ""
    text = _ROLE.sub(lambda found: f"`{found[1].rpartition('.')[2]}`", text)
    text = re.sub(r"``([^`]+)``", r"`\1`", text)
    text = re.sub(r"::$", ":", text, flags=re.M)
    return re.sub(r"(^>>> .*\n?(?:^\S.*\n?|^>>> .*\n?)*)", r"```python\n\1\n```\n", text, flags=re.M)


def signature(name: str, thing: Any) -> str:
    """``name(parameters) -> type`` as a fenced block, broken where it is long; annotations as they are written."""
    try:
        found = inspect.signature(thing)
    except (TypeError, ValueError):
        return f"```python\n{name}\n```"
    parameters = [parameter for parameter in found.parameters.values() if parameter.name != "self"]
    silent = found.return_annotation is found.empty or inspect.isclass(thing)
    tail = "" if silent else f" -> {_plain(found.return_annotation)}"
    words = _with_marks(parameters)
    line = f"{name}({', '.join(words)}){tail}"
    if len(line) > 88:
        line = f"{name}(\n" + "".join(f"    {word},\n" for word in words) + f"){tail}"
    return f"```python\n{line}\n```"


def _with_marks(parameters: list[inspect.Parameter]) -> list[str]:
    """The parameters as they are written, with ``/`` and ``*`` where they belong."""
    words: list[str] = []
    for number, parameter in enumerate(parameters):
        before = parameters[number - 1].kind if number else None
        if parameter.kind is parameter.KEYWORD_ONLY and before not in (
            parameter.KEYWORD_ONLY,
            parameter.VAR_POSITIONAL,
        ):
            words.append("*")
        words.append(_parameter(parameter))
        after = parameters[number + 1].kind if number + 1 < len(parameters) else None
        if parameter.kind is parameter.POSITIONAL_ONLY and after is not parameter.POSITIONAL_ONLY:
            words.append("/")
    return words


def _parameter(parameter: inspect.Parameter) -> str:
    star = {parameter.VAR_POSITIONAL: "*", parameter.VAR_KEYWORD: "**"}.get(parameter.kind, "")
    typed = "" if parameter.annotation is parameter.empty else f": {_plain(parameter.annotation)}"
    if parameter.default is parameter.empty:
        return f"{star}{parameter.name}{typed}"
    equals = " = " if typed else "="
    return f"{parameter.name}{typed}{equals}{_value(parameter.default)}"


def _value(value: Any) -> str:
    """A default; one that tells where in memory it is, as its name."""
    words = repr(value)
    return "..." if " at 0x" in words or "factory" in words else words


def _plain(annotation: Any) -> str:
    return annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
