"""A component's options, with the keyword signature of its factory as their schema."""

from __future__ import annotations

import inspect
import json
import math
import sys
from collections.abc import Callable, Container, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any, get_type_hints

from pydantic import ConfigDict, PydanticUserError, TypeAdapter, ValidationError
from pydantic.errors import PydanticSchemaGenerationError

from jepa_core.errors import JepaError, brief, did_you_mean
from jepa_core.registry.places import dotted
from jepa_core.registry.plain_words import problems_in

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
LARGEST = 2**63 - 1
_CONFIG = ConfigDict(strict=True, arbitrary_types_allowed=True)


def takes_context(factory: Callable[..., Any]) -> bool:
    """Tells whether the factory wants to know the run: whether its first parameter is named ``context``."""
    return next(iter(_signature(factory).parameters), "") == "context"


def check_options(factory: Callable[..., Any], options: Mapping[str, Any], owner: str = "") -> list[tuple[str, str]]:
    """Lists what is wrong with `options` as pairs of the (dotted) option and the words; empty when they fit.

    owner: the component's name in the words: ``'cosine' (from jepa-core)``.
    """
    of = f" of {owner}" if owner else ""
    known = _parameters(factory)
    open_ended = _open_ended(factory)
    problems: list[tuple[str, str]] = []
    for name, value in options.items():
        if name in known:
            problems += type_problems(name, _hint(factory, name), value)
        elif not open_ended:
            problems.append((name, f"unknown option{of}{did_you_mean(name, known)}"))
    missing = [n for n, p in known.items() if p.default is p.empty and n not in options]
    return problems + [(name, f"a required option{of} is missing") for name in missing]


def refusal(factory: Callable[..., Any], options: Mapping[str, Any]) -> tuple[str, str]:
    """Calls a factory that needs no context, to see whether it refuses options of the right types.

    Returns the option that it blames, if any, and the words; both empty where the factory takes them.
    The component is thrown away, and random numbers stay as they were.
    """
    if takes_context(factory):
        return "", ""
    try:
        with _same_random_numbers():
            factory(**options)
    except (Exception, SystemExit) as error:  # a third party's
        return blamed(str(error) if isinstance(error, ValueError | JepaError) else brief(error), options)
    return "", ""


def blamed(words: str, options: Container[str]) -> tuple[str, str]:
    """Takes the option that a factory blames off the words of its refusal; empty where they begin with none.

    >>> blamed("eps: expected a number above 0", {"eps": -1.0})
    ('eps', 'expected a number above 0')
    """
    option, colon, rest = words.partition(": ")
    return (option, rest) if colon and option in options else ("", words)


def _same_random_numbers() -> AbstractContextManager[Any]:
    torch = sys.modules.get("torch")  # what has not imported it draws none of its numbers
    return torch.random.fork_rng(devices=()) if torch is not None else nullcontext()


def option_names(factory: Callable[..., Any]) -> list[str]:
    return [*_parameters(factory)]


def option_types(factory: Callable[..., Any]) -> dict[str, Any]:
    """The options with their annotated types."""
    return {name: _hint(factory, name) for name in _parameters(factory)}


def option_defaults(factory: Callable[..., Any]) -> dict[str, Any]:
    """The defaults of the options, as far as a recipe can hold them."""
    defaults = {name: p.default for name, p in _parameters(factory).items() if p.default is not p.empty}
    return {name: _plain(value) for name, value in defaults.items() if _can_be_written(value)}


def option_schema(factory: Callable[..., Any]) -> dict[str, Any]:
    """JSON Schema of the options, as an object."""
    defaults = option_defaults(factory)
    properties: dict[str, dict[str, Any]] = {}
    for name in _parameters(factory):
        properties[name] = _type_schema(_hint(factory, name))
        if name in defaults:
            properties[name]["default"] = defaults[name]
    return {
        "type": "object",
        "properties": properties,
        "required": [n for n, p in _parameters(factory).items() if p.default is p.empty],
        "additionalProperties": _open_ended(factory),
    }


def type_problems(name: str, annotation: object, value: object) -> Iterator[tuple[str, str]]:
    """Yields each reason why `value` is not of the annotated type, with its dotted place below `name`.

    Strict, but within the means of a recipe: a list stands for any sequence, text for a path or an enum.
    """
    if words := _no_number(value):
        yield name, words
        return
    adapter = _adapter(annotation)
    try:
        adapter.validate_python(value)
    except ValidationError as in_python:
        try:
            adapter.validate_json(json.dumps(value))
        except ValidationError as error:
            yield from ((dotted((name, *path)), words) for path, _, words in problems_in(error, value))
        except (TypeError, ValueError):  # no JSON value: it was made in Python
            yield from ((dotted((name, *path)), words) for path, _, words in problems_in(in_python, value))


def _no_number(value: object) -> str:
    """Refuses numbers that no component can use: NaN, and more than 64 bits; empty for any other value."""
    if isinstance(value, float) and math.isnan(value):
        return "expected a number, not NaN"
    if isinstance(value, int) and not -LARGEST <= value <= LARGEST:
        return f"expected a number of at most 64 bits, not {value}"
    return ""


def _adapter(annotation: Any) -> TypeAdapter[Any]:
    for config in (_CONFIG, None):  # pydantic models and dataclasses bring a configuration of their own
        try:
            adapter = TypeAdapter(annotation, config=config)
            adapter.rebuild()  # an annotation that names what can't be found is only told when it is used
            return adapter
        except (PydanticUserError, PydanticSchemaGenerationError, NameError):
            continue
    return TypeAdapter(Any)


def _type_schema(annotation: object) -> dict[str, Any]:
    try:
        schema = _adapter(annotation).json_schema()
    except PydanticUserError:  # a type without a counterpart in JSON
        return {}
    return {} if "$defs" in schema else schema


def _signature(factory: Callable[..., Any]) -> inspect.Signature:
    try:
        return _kept_signature(factory)
    except TypeError:  # it has no hash
        return _new_signature(factory)


def _new_signature(factory: Callable[..., Any]) -> inspect.Signature:
    try:
        return inspect.signature(factory)
    except (TypeError, ValueError):  # built in C, without a signature: anything goes
        return inspect.Signature([inspect.Parameter("options", inspect.Parameter.VAR_KEYWORD)])


_kept_signature = lru_cache(maxsize=256)(_new_signature)


def _parameters(factory: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The parameters that are options."""
    named = {n: p for n, p in _signature(factory).parameters.items() if p.kind in _NAMED}
    if takes_context(factory):
        named.pop("context")
    return named


def _open_ended(factory: Callable[..., Any]) -> bool:
    kinds = (p.kind for p in _signature(factory).parameters.values())
    return inspect.Parameter.VAR_KEYWORD in kinds


def _hint(factory: Callable[..., Any], name: str) -> object:
    """The evaluated annotation of an option; one that cannot be evaluated here allows anything."""
    annotation = _parameters(factory)[name].annotation
    if annotation is inspect.Parameter.empty:
        return Any
    alone = SimpleNamespace(__annotations__={name: annotation})
    try:
        return get_type_hints(alone, globalns=_globals(factory), include_extras=True)[name]
    except Exception:  # evaluating a third party's annotation can raise anything
        return Any


def _globals(factory: Callable[..., Any]) -> dict[str, Any]:
    """The names that the factory's annotations were written with."""
    while isinstance(factory, partial):
        factory = factory.func
    function = factory.__init__ if inspect.isclass(factory) else factory
    return getattr(inspect.unwrap(function), "__globals__", {})


def _can_be_written(value: object) -> bool:
    try:
        json.dumps(_plain(value))
    except (TypeError, ValueError):
        return False
    return True


def _plain(value: object) -> object:
    return list(value) if isinstance(value, tuple | set | frozenset) else value
