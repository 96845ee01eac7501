"""Modules that are read and not run."""

from __future__ import annotations

import inspect
import sys
from typing import Annotated, Any, Literal, get_args

import pytest

from jepa_core.registry.module_files import Unread
from jepa_core.registry.syntax import Definition, Syntax, syntax

SOURCE = '''
import torch
from collections.abc import Sequence
from typing import Annotated, Literal
from pydantic import Field
from elsewhere_light import WIDEST

raise RuntimeError("this was run")

Side = Literal["left", "right"]
MOST, LEAST = 2 * 50, -1


class Base(torch.nn.Module):
    def __init__(self, width: int, side: Side = "left", *, rate: Annotated[float, Field(ge=0)] = LEAST):
        """Wide."""


class Sub(Base):
    """A sub."""


class Alone(torch.nn.Module):
    pass


class Bare:
    size: int = MOST


def function(context, tensor: torch.Tensor | None = None, many: Sequence[str] = ("a",), wide=WIDEST, **more: int):
    ...


@torch.no_grad
def decorated(x: int): ...


function.splits = ("a", "b")
'''


@pytest.fixture
def module(tmp_path, monkeypatch) -> Syntax:
    (tmp_path / "elsewhere_light.py").write_text("WIDEST = 7\n")
    monkeypatch.syspath_prepend(tmp_path)
    return Syntax(SOURCE)


def parameters(signature: inspect.Signature) -> dict[str, tuple[Any, Any]]:
    return {name: (p.annotation, p.default) for name, p in signature.parameters.items()}


def test_a_signature_is_what_running_would_give(module):
    empty = inspect.Parameter.empty
    found = parameters(module.named("Base").signature())
    assert found["width"] == (int, empty)
    assert found["side"] == (Literal["left", "right"], "left")
    assert found["rate"][1] == -1
    assert get_args(found["rate"][0])[0] is float
    assert get_args(found["rate"][0])[1].metadata[0].ge == 0
    assert str(module.named("Sub").signature()) == str(module.named("Base").signature())


def test_what_is_not_here_allows_anything(module):
    found = parameters(module.named("function").signature())
    assert found["tensor"] == (Any, None)
    assert found["many"][1] == ("a",)
    assert found["wide"][1] == 7  # from a module that was read too
    assert "elsewhere_light" not in sys.modules
    assert module.named("function").signature().parameters["more"].kind is inspect.Parameter.VAR_KEYWORD


def test_values_and_attributes(module):
    assert module.named("MOST") == 100
    assert module.named("Bare").attribute("size") == 100
    assert module.value(module.attributes["function", "splits"]) == ("a", "b")
    assert module.named("Bare").signature() == inspect.Signature()


@pytest.mark.parametrize("name", ["Alone", "decorated"])
def test_what_the_source_does_not_say_is_not_guessed(module, name):
    with pytest.raises(Unread):
        module.named(name).signature()


@pytest.mark.parametrize("text", ["X = open('there')", "X = [i for i in 'ab']", "import os\nX = os.sep", "X = 1 / 0"])
def test_nothing_is_run(text):
    with pytest.raises(Unread):
        Syntax(text).named("X")


def test_relative_imports(tmp_path, monkeypatch):
    package = tmp_path / "readable"
    (package / "deep").mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('this was run')\n")
    (package / "values.py").write_text("N = 3\n")
    (package / "deep" / "__init__.py").write_text("")
    (package / "deep" / "user.py").write_text("from ..values import N as M\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert syntax("readable.deep.user").named("M") == 3


def test_a_file_that_changed_is_read_again(tmp_path, monkeypatch):
    import os

    file = tmp_path / "changing.py"
    monkeypatch.syspath_prepend(tmp_path)
    for number in (1, 2):
        file.write_text(f"N = {number}\n")
        os.utime(file, ns=(number, number))
        assert syntax("changing").named("N") == number


def test_there_is_no_such_module():
    for name in ("there_is_none", "jepa_core.there_is_none", "jepa_core.errors.below", "itertools"):
        with pytest.raises(Unread):
            syntax(name)


def test_annotations_are_kept_with_what_they_are_marked_by():
    code = Syntax("from jepa_core import DataPath\ndef f(path: DataPath | None = None): ...")
    annotation = code.named("f").signature().parameters["path"].annotation
    marked, none = get_args(annotation)
    assert none is type(None)
    assert marked == Annotated[str, marked.__metadata__[0]]
    assert isinstance(code.named("f"), Definition)
