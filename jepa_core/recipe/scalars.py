"""Plain scalars by the YAML 1.2 core schema: ``1e-3`` is a number, ``yes`` and ``on`` are text.

PyYAML follows YAML 1.1, where it is the other way round.
"""

from __future__ import annotations

import math
import re

MAX_NUMBER = 100  # characters; Python itself refuses to read integers of more than 4,300 digits

_CONSTANTS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
BASED = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")


def plain_scalar(text: str) -> bool | int | float | str | None:
    """The value of an unquoted scalar. Raises ValueError for a number too long or too large to be meant."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if _INFINITE.fullmatch(text):
        return float(text.replace(".", "", 1))
    number = _INTEGER.fullmatch(text) or BASED.fullmatch(text) or FLOAT.fullmatch(text)
    if number is None:
        return text
    if len(text) > MAX_NUMBER:
        raise ValueError(f"a number of {len(text)} characters (at most {MAX_NUMBER})")
    if number.re is FLOAT:
        return _finite(text)
    return int(text, 0) if number.re is BASED else int(text)


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {text} is too large")
    return value
