"""Distributions that are really discovered: metadata and modules in a temporary folder, without pip."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest


@dataclass
class Site:
    """A folder on the path, like site-packages."""

    folder: Path
    modules: list[str] = field(default_factory=list)

    def write(self, module: str, source: str) -> Path:
        """An importable module with this source, indented as it may be."""
        path = self.folder / f"{module}.py"
        path.write_text(source, encoding="utf-8")
        self.modules.append(module)
        return path

    def install(self, distribution: str, version: str = "1.0", group: str = "jepa_core", **sources: str) -> None:
        """A distribution with a plugin for each source; keywords are the names of the entry points.

        group: with a colon after it, the object that each entry point names: ``jepa_core.commands:app``.
        """
        group, colon, attribute = group.partition(":")
        points = []
        for name, source in sources.items():
            module = f"{distribution.replace('-', '_')}_{name}"
            self.write(module, source)
            points.append(f"{name} = {module}{colon}{attribute}\n")
        info = self.folder / f"{distribution.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        info.joinpath("METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        info.joinpath("entry_points.txt").write_text(f"[{group}]\n" + "".join(points))


@contextmanager
def on_the_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A site in a new folder; its modules are forgotten afterwards."""
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    site = Site(folder)
    yield site
    for module in site.modules:
        sys.modules.pop(module, None)
