"""The registry: components by kind and name."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from jepa_core.components import KINDS
from jepa_core.errors import ComponentError, JepaError, brief, did_you_mean
from jepa_core.registry.loader import (
    BrokenPlugin,
    Plugin,
    PluginError,
    cause_of,
    load_file,
    load_installed,
    load_named,
    new_manager,
    printing_aside,
)
from jepa_core.registry.options import check_options, option_names, takes_context
from jepa_core.registry.plugin_code import code_hash


@dataclass(frozen=True)
class Component:
    """One component that a plugin offers."""

    kind: str
    name: str
    plugin: Plugin
    factory: Callable[..., Any]

    @property
    def distribution(self) -> str:
        return self.plugin.distribution

    @property
    def version(self) -> str:
        return self.plugin.version

    @property
    def summary(self) -> str:
        """The first line of the factory's docstring, to the end of its sentence."""
        paragraph = (inspect.getdoc(self.factory) or "").split("\n\n")[0]
        first, whole = paragraph.split("\n")[0], " ".join(paragraph.split())
        if first.endswith((".", "!", "?")):
            return first
        end = re.compile(r"[.!?](?=\s+[^a-z]|$)").search(whole, len(first))
        return whole[: end.end()] if end else whole


class _OnClassOrInstance:
    """Lets ``Registry.discover()`` make a registry, and ``registry.discover()`` fill that one."""

    def __init__(self, function: Callable[..., Registry]):
        self.function = function

    def __get__(self, instance: Registry | None, owner: type[Registry]) -> Callable[[], Registry]:
        return partial(self.function, owner() if instance is None else instance)


class Registry:
    """Components by kind and name.

    Kinds: the names of :data:`jepa_core.components.KINDS`.
    A new registry is empty: ``discover`` fills it from the installed plugins.
    """

    def __init__(self) -> None:
        self._manager = new_manager()
        self._components: dict[tuple[str, str], list[Component]] = {}
        self.plugins: list[Plugin] = []
        self.broken: list[BrokenPlugin] = []

    @_OnClassOrInstance
    def discover(self) -> Registry:
        """Registers every installed plugin. Broken ones are kept in ``broken`` with their cause.

        Raises ComponentError when no plugin at all is installed.
        """
        plugins, broken = load_installed(self._manager)
        self.broken += broken
        for plugin in plugins:
            self._collect(plugin)
        return self

    def add_module(self, module: str) -> None:
        """Registers an importable module, as ``-p MODULE`` does. Raises ComponentError if it is broken."""
        self._collect_or_raise(load_named(self._manager, module))

    def add_file(self, path: Path) -> None:
        """Registers a Python file, as ``--plugin PATH`` does. Raises ComponentError if it is broken."""
        self._collect_or_raise(load_file(self._manager, path))

    def names(self, kind: str) -> list[str]:
        """The names of all components of a kind, sorted. Raises ComponentError for an unknown kind."""
        if kind not in KINDS:
            raise ComponentError(f"unknown kind of component '{kind}'{did_you_mean(kind, KINDS)}")
        return sorted(name for k, name in self._components if k == kind)

    def find(self, kind: str, name: str) -> Component:
        """Finds the component of this kind and name.

        Raises ComponentError when there is none (naming close ones and broken plugins) or more than one.
        """
        known = self.names(kind)
        if name not in known:
            raise ComponentError(self._not_found(kind, name, known))
        offers = self._components[kind, name]
        if len(offers) > 1:
            both = " and ".join(offer.plugin.name for offer in offers)
            raise ComponentError(f"two plugins offer a {kind} '{name}': {both}; uninstall one")
        return offers[0]

    def create(self, kind: str, name: str, /, *, context: object = None, **options: Any) -> Any:
        """Makes a new component.

        context: handed to factories that ask for it. Raises ComponentError for an unknown name, options
        that the factory does not take, and options that it refuses.
        """
        component = self.find(kind, name)
        problems = check_options(component.factory, options)
        if problems:
            raise ComponentError("; ".join(f"{kind} '{name}': {option}: {text}" for option, text in problems))
        arguments = (context,) if takes_context(component.factory) else ()
        try:
            return component.factory(*arguments, **options)
        except JepaError:
            raise
        except (Exception, SystemExit) as error:
            origin = f"{kind} '{name}' (from {component.distribution})"
            cause = str(error) if isinstance(error, ValueError) else brief(error)
            raise ComponentError(f"{origin}: {cause}") from error

    def describe(self) -> list[Component]:
        """Every component, by kind and name; all offers where several plugins claim a name."""
        order = sorted(self._components, key=lambda key: ([*KINDS].index(key[0]), key[1]))
        return [component for key in order for component in self._components[key]]

    def distributions(self) -> dict[str, str]:
        """Name -> version of the distributions that working plugins come from."""
        return {plugin.distribution: plugin.version for plugin in self.plugins}

    def code_hash(self, *plugins: Plugin) -> str:
        """sha256 of the code of plugins of this registry."""
        modules: list[Any] = [self._manager.get_plugin(plugin.name) for plugin in plugins]
        return code_hash(*modules)

    def _collect_or_raise(self, plugin: Plugin) -> None:
        self._collect(plugin)
        for broken in self.broken:
            if broken.plugin is plugin:
                raise PluginError(f"plugin {plugin.name}: {broken.cause}")

    def _collect(self, plugin: Plugin) -> None:
        """Calls the plugin's hooks, once; all of its components come in, or none."""
        try:
            with printing_aside():
                offers = list(self._offers(plugin))
        except (Exception, SystemExit) as error:
            self.broken.append(BrokenPlugin(plugin, cause_of(error)))
            return
        self.plugins.append(plugin)
        for offer in offers:
            self._components.setdefault((offer.kind, offer.name), []).append(offer)

    def _offers(self, plugin: Plugin) -> Iterator[Component]:
        module = self._manager.get_plugin(plugin.name)
        for kind, its in KINDS.items():
            hook = its.hook
            for implementation in getattr(self._manager.hook, hook).get_hookimpls():
                if implementation.plugin is not module:
                    continue
                factories = implementation.function()
                if not isinstance(factories, Mapping):
                    raise ComponentError(f"{hook} returned {type(factories).__name__}, not name -> factory")
                for name, factory in factories.items():
                    if not isinstance(name, str) or not callable(factory):
                        raise ComponentError(f"{hook} maps {name!r} to {factory!r}, not a name to a factory")
                    if "name" in option_names(factory):
                        raise ComponentError(f"{hook}: '{name}' has an option 'name', which is a component's own name")
                    yield Component(kind, name, plugin, factory)

    def _not_found(self, kind: str, name: str, known: list[str]) -> str:
        message = f"no {kind} is called '{name if len(name) <= 60 else name[:59] + '…'}'{did_you_mean(name, known)}"
        if not message.endswith("?"):
            message += f"; there are: {', '.join(known) or 'none'}"
        for broken in self.broken:
            message += f" (the plugin {broken.plugin.name} is broken: {broken.cause}; all others work without it)"
        return message


def named_registry(modules: Sequence[str] | None = None, files: Sequence[Path] | None = None) -> Registry:
    """Makes a registry of the installed plugins and the named importable modules and Python files."""
    registry = Registry.discover()
    here = str(Path.cwd())
    if modules and here not in sys.path:
        sys.path.append(here)  # at the end: a module there hides no other
    for module in modules or ():
        registry.add_module(module)
    for file in files or ():
        registry.add_file(file)
    return registry
