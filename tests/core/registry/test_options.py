from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from jepa_core.registry.options import check_options, option_defaults, option_schema, takes_context

if TYPE_CHECKING:
    from somewhere import Unknown


class Level(Enum):
    LOW = "low"


class Distance:
    def __init__(self, eps: float = 1e-8, steps: int = 1, name_of: str | None = None):
        self.eps = eps


def with_context(context: Unknown, table: str, size: int = 2) -> None: ...


def many(
    flags: Sequence[bool] = (),
    pair: tuple[int, int] = (1, 2),
    weights: Mapping[str, float] | None = None,
    path: Path = Path(),
    level: Level = Level.LOW,
    mode: Literal["a", "bc"] = "a",
    share: Annotated[float, Field(ge=0, le=1)] = 0.5,
    anything=None,
    unknown: Unknown | None = None,
    callback: Callable[[int], int] | None = None,
) -> None: ...


def open_ended(size: int, **more: Any) -> None: ...


def test_options_that_fit():
    assert check_options(Distance, {}) == []
    assert check_options(Distance, {"eps": 1, "steps": 3, "name_of": None}) == []
    assert check_options(with_context, {"table": "x"}) == []
    fitting = {
        "flags": [True, False],
        "pair": [3, 4],
        "weights": {"a": 1},
        "path": "folder/file",
        "level": "low",
        "mode": "bc",
        "anything": {"x": [1]},
        "unknown": 3,
    }
    assert check_options(many, fitting) == []


@pytest.mark.parametrize(
    ("factory", "options", "problems"),
    [
        (Distance, {"epss": 1}, [("epss", "unknown option; did you mean 'eps'?")]),
        (Distance, {"eps": "small"}, [("eps", "expected a number, not the text 'small'")]),
        (Distance, {"eps": True}, [("eps", "expected a number, not true")]),
        (Distance, {"steps": 1.0}, [("steps", "expected a whole number, not the number 1.0")]),
        (Distance, {"steps": None}, [("steps", "expected a whole number, not null")]),
        (Distance, {"name_of": 1}, [("name_of", "expected text, not the number 1")]),
        (Distance, {"self": 1}, [("self", "unknown option")]),
        (with_context, {}, [("table", "a required option is missing")]),
        (with_context, {"table": "x", "context": 1}, [("context", "unknown option")]),
        (many, {"flags": "yes"}, [("flags", "expected a list, not the text 'yes'")]),
        (many, {"flags": [True, "no"]}, [("flags.1", "expected true or false, not the text 'no'")]),
        (many, {"weights": {"a": "x"}}, [("weights.a", "expected a number, not the text 'x'")]),
        (many, {"mode": "b"}, [("mode", "expected a or bc, not the text 'b'; did you mean 'bc'?")]),
        (many, {"share": 2}, [("share", "expected a number at most 1.0, not 2")]),
        (open_ended, {"other": 1}, [("size", "a required option is missing")]),
    ],
)
def test_options_that_do_not_fit(factory, options, problems):
    assert check_options(factory, options) == problems


@pytest.mark.parametrize("wrong", [{"pair": [1, 2, 3]}, {"level": "high"}, {"path": 3}])
def test_other_types_are_checked_too(wrong):
    assert [name for name, _ in check_options(many, wrong)] == list(wrong)


def test_the_owner_is_named():
    problems = check_options(Distance, {"epss": 1}, "'cosine' (from jepa-core)")
    assert problems == [("epss", "unknown option of 'cosine' (from jepa-core); did you mean 'eps'?")]


def test_values_made_in_python_are_judged_as_they_are():
    assert check_options(many, {"path": Path("x"), "level": Level.LOW, "callback": abs, "pair": (1, 2)}) == []
    assert [name for name, _ in check_options(many, {"callback": object()})] == ["callback"]


def test_context_is_no_option():
    assert takes_context(with_context)
    assert not takes_context(Distance)
    assert not takes_context(lambda table, context: None), "only the first parameter is the run's"
    assert check_options(lambda table, context: None, {"table": 1, "context": 2}) == []


def test_factories_of_every_make():
    assert check_options(partial(Distance, steps=2), {"eps": "x"}) == [("eps", "expected a number, not the text 'x'")]
    assert check_options(lambda: None, {"x": 1}) == [("x", "unknown option")]
    assert check_options(dict, {"x": 1}) == []

    class Callable_:
        def __call__(self, size: int = 1) -> None: ...

    assert check_options(Callable_(), {"size": "x"}) == [("size", "expected a whole number, not the text 'x'")]


def test_a_pydantic_model_as_option():
    class Settings(BaseModel):
        size: int = 1

    def factory(settings: Settings | None = None) -> None: ...

    factory.__annotations__["settings"] = Settings | None
    assert check_options(factory, {"settings": {"size": 2}}) == []
    assert [name for name, _ in check_options(factory, {"settings": {"size": "x"}})] == ["settings.size"]


def test_defaults_are_those_that_a_recipe_can_hold():
    assert option_defaults(Distance) == {"eps": 1e-8, "steps": 1, "name_of": None}
    assert option_defaults(with_context) == {"size": 2}
    defaults = option_defaults(many)
    assert (defaults["flags"], defaults["pair"], defaults["mode"]) == ([], [1, 2], "a")
    assert "path" not in defaults
    assert "level" not in defaults


def test_json_schema():
    assert option_schema(Distance) == {
        "type": "object",
        "properties": {
            "eps": {"type": "number", "default": 1e-8},
            "steps": {"type": "integer", "default": 1},
            "name_of": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
        },
        "required": [],
        "additionalProperties": False,
    }
    schema = option_schema(with_context)
    assert (schema["required"], list(schema["properties"])) == (["table"], ["table", "size"])
    assert option_schema(open_ended)["additionalProperties"] is True
    properties = option_schema(many)["properties"]
    assert properties["mode"]["enum"] == ["a", "bc"]
    assert (properties["share"]["minimum"], properties["share"]["maximum"]) == (0, 1)
    assert properties["callback"] == {"default": None}


def test_a_factory_needs_no_hash():
    class Unhashable:
        __hash__ = None

        def __call__(self, rate: float = 0.0): ...

    assert check_options(Unhashable(), {"rate": 0.5}) == []
    assert [option for option, _ in check_options(Unhashable(), {"rat": 0.5})] == ["rat"]
