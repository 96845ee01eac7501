"""Reads modules without running them: finds the value of a name at the top level from the source.

Importing a plugin imports torch, which takes seconds. Where the source alone doesn't tell, Unread is raised rather
than a guess made.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from jepa_core.registry.module_files import Unread, file_of
from jepa_core.registry.statements import assigned, attributes

#: Modules that are quick to import, do nothing else, and hold the types used in annotations.
LIGHT = frozenset(
    (
        *("annotated_types", "pydantic", "typing", "typing_extensions"),
        *("collections", "collections.abc", "dataclasses", "enum", "fractions", "math", "numbers", "pathlib"),
        *("jepa_core.contexts", "jepa_core.errors"),
    )
)
_BUILTINS = ("bool", "dict", "float", "frozenset", "int", "list", "object", "set", "str", "tuple", "type")
_OPERATORS: Mapping[type, Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.BitOr: operator.or_,
    ast.Div: operator.truediv,
    ast.Mult: operator.mul,
    ast.Sub: operator.sub,
}


@dataclass(frozen=True)
class Definition:
    """A class or function of a module that was not run."""

    home: Syntax
    node: ast.ClassDef | ast.FunctionDef

    @property
    def doc(self) -> str:
        return ast.get_docstring(self.node) or ""

    @property
    def bases(self) -> list[Any]:
        nodes = self.node.bases if isinstance(self.node, ast.ClassDef) else []
        return [self.home.value(base) for base in nodes]

    def attribute(self, name: str) -> Any:
        """The value that the class body assigns to `name`. Raises Unread."""
        for node in self.node.body:
            for bound, value in assigned(node):
                if bound == name:
                    return self.home.value(value)
        raise Unread(f"{self.node.name}.{name}")

    def signature(self) -> inspect.Signature:
        """The parameters of a call; annotations that can't be read allow anything."""
        if self.node.decorator_list:
            raise Unread(f"{self.node.name} is decorated")
        if isinstance(self.node, ast.FunctionDef):
            return inspect.Signature([*self.home.parameters(self.node.args)])
        for node in self.node.body:
            if isinstance(node, ast.FunctionDef) and node.name == "__init__":
                return inspect.Signature([*self.home.parameters(node.args)][1:])
        for base in self.bases:
            if not isinstance(base, Definition):
                raise Unread(f"{self.node.name} has the parameters of {base}")
            return base.signature()
        return inspect.Signature()


class Syntax:
    """The top level of a module. bound: name -> the last node that binds it; package: the base of relative imports."""

    def __init__(self, text: str, package: str = ""):
        self.package = package
        self.bound: dict[str, ast.AST] = {}
        self.attributes: dict[tuple[str, str], ast.expr] = {}
        self._collect(ast.parse(text).body)

    def named(self, name: str) -> Any:
        """The value of a name: of a class or function its Definition. Raises Unread."""
        node = self.bound.get(name)
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            return Definition(self, node)
        if isinstance(node, ast.ImportFrom):
            original = next(alias.name for alias in node.names if (alias.asname or alias.name) == name)
            return imported(self._absolute(node), original)
        if isinstance(node, ast.Import):
            return _light_module(next(a.name for a in node.names if (a.asname or a.name.split(".")[0]) == name))
        if isinstance(node, ast.expr):
            return self.value(node)
        if node is None and name in _BUILTINS:
            return getattr(builtins, name)
        raise Unread(name)

    def value(self, node: ast.expr) -> Any:
        """The value of an expression of this module. Raises Unread."""
        try:
            return self._value(node)
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise Unread(ast.unparse(node)) from error

    def parameters(self, given: ast.arguments) -> Iterator[inspect.Parameter]:
        """The parameters of a function or method of this module."""
        positional = [*given.posonlyargs, *given.args]
        defaults = [None] * (len(positional) - len(given.defaults)) + given.defaults
        for argument, default in zip(positional, defaults, strict=True):
            alone = argument in given.posonlyargs
            kind = inspect.Parameter.POSITIONAL_ONLY if alone else inspect.Parameter.POSITIONAL_OR_KEYWORD
            yield self._parameter(argument, kind, default)
        if given.vararg:
            yield self._parameter(given.vararg, inspect.Parameter.VAR_POSITIONAL, None)
        for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
            yield self._parameter(argument, inspect.Parameter.KEYWORD_ONLY, default)
        if given.kwarg:
            yield self._parameter(given.kwarg, inspect.Parameter.VAR_KEYWORD, None)

    def annotation(self, node: ast.expr) -> Any:
        """The type that an annotation means; Any where it can't be read, or is a class that was not run."""
        try:
            written = self.value(node)
            found = self.value(ast.parse(written, mode="eval").body) if isinstance(written, str) else written
        except (SyntaxError, Unread):
            return Any
        return Any if isinstance(found, Definition) else found

    def _parameter(self, argument: ast.arg, kind: Any, default: ast.expr | None) -> inspect.Parameter:
        empty: Any = inspect.Parameter.empty
        annotation = self.annotation(argument.annotation) if argument.annotation is not None else empty
        try:
            value = self.value(default) if default is not None else empty
        except Unread:
            value = Unread  # there is one
        return inspect.Parameter(argument.arg, kind, annotation=annotation, default=value)

    def _value(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                return self.named(node.id)
            case ast.Attribute():
                of = self._value(node.value)
                return of.attribute(node.attr) if isinstance(of, Definition) else getattr(of, node.attr)
            case ast.Subscript():
                key = self._value(node.slice)
                if any(isinstance(part, Definition) for part in (key if isinstance(key, tuple) else (key,))):
                    raise Unread(ast.unparse(node))
                return self._value(node.value)[key]
            case ast.Tuple() | ast.List():
                found = [self._value(each) for each in node.elts]
                return tuple(found) if isinstance(node, ast.Tuple) else found
            case ast.Dict():
                return self._mapping(node)
            case ast.UnaryOp(op=ast.USub()):
                return -self._value(node.operand)
            case ast.BinOp() if type(node.op) in _OPERATORS:
                sides = (self._value(side) for side in (node.left, node.right))
                return _OPERATORS[type(node.op)](*(Any if isinstance(s, Definition) else s for s in sides))
            case ast.Call():
                return self._called(node)
        raise Unread(ast.unparse(node))

    def _mapping(self, node: ast.Dict) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            found |= self._value(value) if key is None else {self._value(key): self._value(value)}
        return found

    def _called(self, node: ast.Call) -> Any:
        """The result of a call like ``Field(ge=0)``; only functions of light modules are called."""
        function = self._value(node.func)
        if isinstance(function, Definition) or getattr(function, "__module__", "") not in (*LIGHT, "pydantic.fields"):
            raise Unread(ast.unparse(node))
        return function(*map(self._value, node.args), **{str(k.arg): self._value(k.value) for k in node.keywords})

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return str(node.module)
        parts = self.package.split(".")
        return ".".join([*parts[: len(parts) - node.level + 1], *([node.module] if node.module else [])])

    def _collect(self, body: list[ast.stmt]) -> None:
        for node in body:
            if isinstance(node, ast.If | ast.Try):
                self._collect([*node.body, *node.orelse])
            elif isinstance(node, ast.ClassDef | ast.FunctionDef):
                self.bound[node.name] = node
            elif isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    self.bound[alias.asname or alias.name.split(".")[0]] = node
            else:
                self.bound |= dict(assigned(node))
                self.attributes |= attributes(node)


def imported(module: str, name: str) -> Any:
    """The object that ``from module import name`` binds. Raises Unread."""
    if module in LIGHT:
        return getattr(_light_module(module), name)
    return syntax(module).named(name)


def _light_module(name: str) -> Any:
    if name not in LIGHT:
        raise Unread(name)
    return import_module(name)


def syntax(module: str) -> Syntax:
    """Reads an importable module. Raises Unread where it has no source, SyntaxError where that is not Python."""
    path, is_package = file_of(module)
    return _parsed(path, path.stat().st_mtime_ns, module if is_package else module.rpartition(".")[0])


@cache
def _parsed(path: Path, changed: int, package: str) -> Syntax:
    return Syntax(path.read_text(encoding="utf-8"), package)
