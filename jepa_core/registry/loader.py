"""Finding plugins: from entry points, and from what the user names on the command line.

pluggy's own ``load_setuptools_entrypoints`` skips a second plugin of one entry point name in silence, and
stops at the first plugin that does not import; here every plugin is registered as
``distribution:entry point``, and a broken one is recorded with its cause while the others go on.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType

import pluggy

from jepa_core import hookspecs
from jepa_core.components import KINDS
from jepa_core.errors import ComponentError, JepaError, did_you_mean, one_line


@dataclass(frozen=True)
class Plugin:
    """A plugin that was found. name: ``distribution:entry point``, or what the user typed."""

    name: str
    distribution: str
    version: str

    @property
    def origin(self) -> str:
        """The distribution, or the module or file that the user named."""
        return self.distribution if self.version else self.name


@dataclass(frozen=True)
class BrokenPlugin:
    """A plugin that could not be used, and why."""

    plugin: Plugin
    cause: str


class PluginError(ComponentError):
    """A plugin that the user named can't be used: as wrong a command as a misspelt recipe."""

    exit_status = 2


def new_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    return manager


def installed_entry_points() -> Iterator[tuple[Plugin, metadata.EntryPoint]]:
    """Yields every entry point of the group, in a stable order.

    Raises ComponentError when there is none at all: then not even the built-ins are installed.
    """
    points = list(metadata.entry_points(group=hookspecs.PROJECT))
    distributions = {id(point.dist): point.dist for point in points}
    origins = {key: _origin(distribution) for key, distribution in distributions.items()}  # each reads its metadata
    points.sort(key=lambda point: (*origins[id(point.dist)], point.name))
    if not points:
        raise ComponentError(
            "no plugin is installed, not even the built-in ones: install jepa-core (pip install -e .) "
            "instead of only putting it on the path"
        )
    for point in points:
        name, version = origins[id(point.dist)]
        yield Plugin(f"{name}:{point.name}", name, version), point


def _origin(distribution: metadata.Distribution | None) -> tuple[str, str]:
    """A distribution's name and version; the remains of a half removed one may name neither."""
    return (distribution.name or "unknown", distribution.version or "?") if distribution else ("unknown", "?")


def load_installed(manager: pluggy.PluginManager) -> tuple[list[Plugin], list[BrokenPlugin]]:
    """Registers every installed plugin that is not yet; one that fails in any way is reported, not raised."""
    plugins, broken = [], []
    before = {name for name, _ in manager.list_name_plugin()}
    for plugin, point in installed_entry_points():
        if plugin.name in before:
            continue
        try:
            with printing_aside():
                register(manager, plugin, point.load())
            plugins.append(plugin)
        except (Exception, SystemExit) as error:  # whatever a plugin's import does, the others go on
            broken.append(BrokenPlugin(plugin, cause_of(error)))
    return plugins, broken


def printing_aside() -> redirect_stdout:
    """Sends prints inside the block to standard error, because standard output may be JSON."""
    return redirect_stdout(sys.stderr)


def cause_of(error: BaseException) -> str:
    """An error in one line, for a list of plugins; one of ours says enough without its class."""
    return one_line(error) if isinstance(error, JepaError) else f"{type(error).__name__}: {one_line(error)}"


def load_named(manager: pluggy.PluginManager, module: str) -> Plugin:
    """Registers an importable module that the user named with ``-p``."""
    plugin = Plugin(module, module, "")
    try:
        with printing_aside():
            register(manager, plugin, import_module(module))
    except (Exception, SystemExit) as error:
        raise PluginError(f"plugin {module}: {cause_of(error)} (without -p {module} it is not used)") from error
    return plugin


def load_file(manager: pluggy.PluginManager, path: Path) -> Plugin:
    """Registers a Python file that the user named with ``--plugin``."""
    plugin = Plugin(str(path), path.stem, "")
    try:
        with printing_aside():
            register(manager, plugin, _module_from(path))
    except (Exception, SystemExit) as error:
        raise PluginError(f"plugin {path}: {cause_of(error)} (without --plugin {path} it is not used)") from error
    return plugin


def _module_from(path: Path) -> ModuleType:
    if not path.exists():
        raise ComponentError(f"no such file{did_you_mean(path.name, (each.name for each in path.parent.glob('*.py')))}")
    if not path.is_file():
        raise ComponentError("not a regular file")  # a pipe would be waited for
    name = f"jepa_plugin_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ComponentError("not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # so that classes defined there can say where they live
    spec.loader.exec_module(module)
    return module


def register(manager: pluggy.PluginManager, plugin: Plugin, module: object) -> None:
    """Registers one plugin, or leaves the manager as it was and raises ComponentError."""
    if manager.is_registered(module):
        raise ComponentError(f"the same module is registered as {manager.get_name(module)} already")
    if manager.has_plugin(plugin.name):
        raise ComponentError("is registered already")
    try:
        manager.register(module, name=plugin.name)
        manager.check_pending()
        _refuse_wrappers(manager, module)
        _refuse_unmarked(manager, module)
    except (pluggy.PluginValidationError, ComponentError) as error:
        if manager.is_registered(module):  # pluggy itself refuses some before they are
            manager.unregister(module)
        raise ComponentError(_explain(error, module)) from error


def _refuse_wrappers(manager: pluggy.PluginManager, module: object) -> None:
    for caller in manager.get_hookcallers(module) or ():
        for implementation in caller.get_hookimpls():
            if implementation.plugin is module and (implementation.wrapper or implementation.hookwrapper):
                raise ComponentError(f"{caller.name}: a hook wrapper is not possible here, return a mapping")


def _refuse_unmarked(manager: pluggy.PluginManager, module: object) -> None:
    """Raises ComponentError for a hook without our marker, which pluggy would pass over in silence."""
    found = {caller.name for caller in manager.get_hookcallers(module) or ()}
    for hook in (kind.hook for kind in KINDS.values()):
        function = vars(module).get(hook)
        if callable(function) and hook not in found and not hasattr(function, f"{hookspecs.PROJECT}_spec"):
            raise ComponentError(f"{hook} is not marked with @jepa_core.hookimpl{_other_marker(function)}")
    if not found:
        raise ComponentError("has no hook: no function in it is marked with @jepa_core.hookimpl")


def _other_marker(function: object) -> str:
    marks = [name.removesuffix("_impl") for name in getattr(function, "__dict__", {}) if name.endswith("_impl")]
    return f"; its marker is of the project '{marks[0]}'" if marks else ""


def _explain(error: Exception, module: object) -> str:
    known = [kind.hook for kind in KINDS.values()]
    for name, value in vars(module).items():
        if callable(value) and name.startswith("jepa_") and name not in known and name in str(error):
            return f"unknown hook '{name}'{did_you_mean(name, known)}"
    return str(error)
