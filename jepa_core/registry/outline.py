"""A registry read from the source of plugins: none of them is run, so nothing slow is imported.

Its factories make nothing, but have the signature, docstring and plain attributes of the real ones. Where the source
leaves open something that matters, `doubts` says so.
"""

from __future__ import annotations
import __future__

import ast
import inspect
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from jepa_core.components import KINDS
from jepa_core.errors import ComponentError
from jepa_core.registry.loader import Plugin, installed_entry_points
from jepa_core.registry.module_files import Unread
from jepa_core.registry.registry import Component, Registry
from jepa_core.registry.syntax import Definition, Syntax, syntax

_OPEN = inspect.Signature([inspect.Parameter("options", inspect.Parameter.VAR_KEYWORD)])


class Outline(Registry):
    """unread: plugins whose hooks must run to tell what they offer; doubts: questions left open by these so far."""

    def __init__(self, modules: Sequence[str] = (), files: Sequence[Path] = ()) -> None:
        super().__init__()
        self.unread: list[Plugin] = []
        self.doubts: list[str] = []
        for plugin, point in installed_entry_points():
            self._add(plugin, partial(syntax, point.value))
        for module in modules:
            self._add_named(Plugin(module, module, ""), partial(syntax, module))
        for file in files:
            self._add_named(Plugin(str(file), file.stem, ""), partial(_of_file, file))

    def find(self, kind: str, name: str) -> Component:
        """Finds a component; an unknown name may belong to an unread plugin, and is then accepted with a doubt."""
        try:
            component = super().find(kind, name)
        except ComponentError:
            if not self.unread or (kind, name) in self._components:
                raise
            owners = ", ".join(plugin.name for plugin in self.unread)
            self._doubt(f"{kind} '{name}': may be of {owners}, which says so only when it runs")
            return Component(kind, name, self.unread[0], _Stand(_OPEN, ""))
        if getattr(component.factory, "unread", False):
            self._doubt(f"{kind} '{name}': its options are not to be read in its source")
        return component

    def _doubt(self, words: str) -> None:
        if words not in self.doubts:
            self.doubts.append(words)

    def _add_named(self, plugin: Plugin, read: Callable[[], Syntax]) -> None:
        """Adds a plugin that the user named: a run does not begin without it, so what it offers has to be known."""
        before = len(self.unread)
        self._add(plugin, read)
        if len(self.unread) > before:
            self._doubt(f"plugin {plugin.name}: says what it offers only when it runs")

    def _add(self, plugin: Plugin, read: Callable[[], Syntax]) -> None:
        try:
            offers = list(_offers(plugin, read()))
        except (Unread, OSError, SyntaxError, ValueError):  # when it runs it says more
            self.unread.append(plugin)
            return
        self.plugins.append(plugin)
        for offer in offers:
            self._components.setdefault((offer.kind, offer.name), []).append(offer)


def _of_file(file: Path) -> Syntax:
    return Syntax(file.read_text(encoding="utf-8"))


class _Stand:
    """A stand-in for a factory."""

    def __init__(self, signature: inspect.Signature, doc: str, **attributes: Any):
        self.__signature__, self.__doc__ = signature, doc
        self.__dict__ |= attributes

    def __call__(self, **options: Any) -> None:
        raise ComponentError("only read, not run: nothing is made of it")


def _offers(plugin: Plugin, module: Syntax) -> Iterator[Component]:
    """The components of a plugin. Raises Unread where a hook computes what it returns."""
    hooks = {kind.hook: name for name, kind in KINDS.items()}
    found = [hook for hook in hooks if hook in module.bound]
    if not found:
        raise Unread(plugin.name)
    for hook in found:
        definition = module.named(hook)
        last = definition.node.body[-1] if isinstance(definition, Definition) else None
        if not isinstance(last, ast.Return) or last.value is None or not _says_only(definition.node.body[:-1]):
            raise Unread(hook)
        offers = definition.home.value(last.value)
        if not isinstance(offers, dict) or not all(isinstance(name, str) for name in offers):
            raise Unread(hook)
        for name, factory in offers.items():
            yield Component(hooks[hook], name, plugin, _stand_for(factory))


def _says_only(body: Sequence[ast.stmt]) -> bool:
    """Tells whether there is nothing but a docstring."""
    return all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in body)


def _stand_for(factory: object) -> _Stand:
    if not isinstance(factory, Definition):
        raise Unread(str(factory))
    attributes = _attributes(factory)
    try:
        return _Stand(factory.signature(), factory.doc, **attributes)
    except Unread:
        return _Stand(_OPEN, factory.doc, unread=True, **attributes)


def _attributes(factory: Definition) -> dict[str, Any]:
    """The attributes that the module sets on a factory, like ``factory.splits = (…)``, as far as they can be read."""
    found: dict[str, Any] = {}
    for (name, attribute), node in factory.home.attributes.items():
        if name == factory.node.name:
            with suppress(Unread):
                value = factory.home.value(node)
                found[attribute] = _alone(value) if isinstance(value, Definition) else value
    return found


def _alone(definition: Definition) -> object:
    """Compiles a function without the rest of its module. Raises Unread where it uses a name not known here."""
    node, home = definition.node, definition.home
    if isinstance(node, ast.ClassDef) or node.decorator_list:
        raise Unread(node.name)
    used = {each.id for body in node.body for each in ast.walk(body) if isinstance(each, ast.Name)}
    scope = {name: home.named(name) for name in used & set(home.bound)}
    exec(compile(ast.Module([node], []), node.name, "exec", flags=__future__.annotations.compiler_flag), scope)
    return scope[node.name]
