"""Pydantic's errors in plain words, each at the key where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from jepa_core.errors import did_you_mean
from jepa_core.registry.places import KeyPath
from jepa_core.registry.section import Conflict

_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "path_type": "a path",
    "bool_type": "true or false",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "sequence_str": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "none_required": "null",
}
_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}


def describe_value(value: object) -> str:
    """A value as a user would call it: ``text 'two'``, ``the number 2``, ``a list``."""
    if value is None or isinstance(value, bool):
        return str(value).lower().replace("none", "null")
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return f"the text '{value if len(value) <= 40 else value[:40] + '…'}'"
    return "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else str(value)


def problems_in(error: ValidationError, data: object) -> Iterator[tuple[KeyPath, str, str]]:
    """Yields, for each key of `data` with a problem, its path, pydantic's name for the first one, and the words."""
    by_path: dict[KeyPath, list[ErrorDetails]] = {}
    for details in error.errors():
        by_path.setdefault(_path_in(data, details), []).append(details)
    for path, found in by_path.items():
        if _of_another_choice(path, by_path):
            continue
        conflict = found[0].get("ctx", {}).get("error")
        if isinstance(conflict, Conflict):
            yield from (((*path, key), "conflict", text) for key, text in conflict.problems)
        else:
            yield path, found[0]["type"], _sentence(found)


def _of_another_choice(path: KeyPath, others: Iterable[KeyPath]) -> bool:
    """Tells whether an error lies further below: a mapping given in place of a number is what has to be mended."""
    return any(len(other) > len(path) and other[: len(path)] == path for other in others)


def has(data: object, part: str | int) -> bool:
    """Tells whether `part` can be looked up in `data`: a key of a mapping, or the number of a list's item."""
    if isinstance(data, list):
        return isinstance(part, int) and part < len(data)
    return isinstance(data, dict) and part in data


def _path_in(data: object, details: ErrorDetails) -> KeyPath:
    """The error's location without the parts that pydantic adds for unions and our normalising."""
    path: KeyPath = ()
    missing = details["loc"][-1:] if details["type"] == "missing" else ()
    for part in details["loc"][: len(details["loc"]) - len(missing)]:
        if has(data, part):
            data, path = data[part], (*path, part)  # type: ignore[index]
    return (*path, *missing)


def _sentence(found: Sequence[ErrorDetails]) -> str:
    """Words one value's problem in a sentence; several errors are the choices of a union."""
    first = found[0]
    if first["type"] == "missing":
        return "is missing"
    if first["type"] in _BOUNDS:
        words, bound = _BOUNDS[first["type"]]
        return f"expected a number {words} {first['ctx'][bound]}, not {first['input']}"
    if first["type"] in ("too_short", "string_too_short"):
        return "must not be empty"
    choices = [_choice(details) for details in found]
    if None in choices:
        return str(first.get("ctx", {}).get("error", first["msg"]))
    hint = did_you_mean(first["input"], _literals(found)) if isinstance(first["input"], str) else ""
    return f"expected {' or '.join(dict.fromkeys(map(str, choices)))}, not {describe_value(first['input'])}{hint}"


def _choice(details: ErrorDetails) -> str | None:
    if details["type"] != "literal_error":
        return _EXPECTED.get(details["type"])
    words = _literals([details])
    return " or ".join(words) if len(words) < 3 else "one of " + ", ".join(words)


def _literals(found: Sequence[ErrorDetails]) -> list[str]:
    """The values that a ``Literal`` allows, from pydantic's ``'a', 'b' or 'c'``."""
    expected = [d["ctx"]["expected"] for d in found if d["type"] == "literal_error"]
    return [word.strip().strip("'") for text in expected for word in text.replace(" or ", ", ").split(",")]
