"""The files of a new package, made from the templates beside this module."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from jepa_core import ComponentError, JepaError, __version__
from jepa_plugins.scaffold.names import Names

#: Kind -> the lines of a recipe that use such a component.
USED = {
    "distance": "objective:\n  distance: {name: own_name, scale: 1.0}",
    "mask": "objective:\n  mask: {name: own_name, window: 4}",
    "view": "objective:\n  k: 0\n  reversal: {name: own_name, tag: null}",
    "predictor": "objective:\n  predictor: {name: own_name, rank: 8}",
    "regularizer": "objective:\n  regularizers: [{name: own_name, floor: 1.0, weight: 0.1}]",
    "filter": "objective:\n  filters: [sample_type, {name: own_name, shortest: 4}]",
    "embedding": "objective:\n  embedding: {name: own_name, decay: 0.5}",
    "evaluation": "evaluation:\n  also: [{name: own_name, least: 0.5}]",
    "dataset": "data: {name: own_name, samples: 200}\nobjective:\n  reversal: own_name_views",
}
#: File of every package -> its template.
COMMON = {
    "setup.cfg": "setup.cfg.txt",
    "pyproject.toml": "pyproject.toml.txt",
    "README.md": "README.md.txt",
    ".gitignore": "gitignore.txt",
    ".github/workflows/tests.yml": "ci.yml.txt",
}


def package_files(what: str, names: Names) -> dict[str, str]:
    """Path within the package -> content. Raises ComponentError for a name that the code uses for something else."""
    templates = files("jepa_plugins.scaffold") / "templates"
    own = templates / what
    code = (own / "component.py.txt").read_text(encoding="utf-8") + (own / "test.py.txt").read_text(encoding="utf-8")
    if used := {names.component, names.class_name} & identifiers(code):
        raise ComponentError(f"a {what}'s code has a '{min(used)}' already; take another name than '{names.component}'")
    recipe = own / "recipe.yaml.txt"
    found: dict[str, Traversable] = {path: templates / name for path, name in COMMON.items()}
    found[f"{names.module}.py"] = own / "component.py.txt"
    found[f"tests/test_{names.module}.py"] = own / "test.py.txt"
    found[f"{names.component}.yaml"] = recipe if recipe.is_file() else templates / "recipe.yaml.txt"
    return {path: filled(template.read_text(encoding="utf-8"), what, names) for path, template in found.items()}


def identifiers(code: str) -> set[str]:
    """Every name that the code binds or reads.

    >>> sorted(identifiers("from torch import nn as layers\\nfor x in range(2): print(x)"))
    ['layers', 'print', 'range', 'x']
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(code.replace("from __future__ import annotations", ""))):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.arg):
            found.add(node.arg)
        elif isinstance(node, ast.alias):
            found.add(node.asname or node.name)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
    return found


def filled(template: str, what: str, names: Names) -> str:
    """Fills a template: replaces its placeholder names by the package's."""
    for written, meant in (
        ("USED", USED[what]),
        ("KIND", what),
        ("VERSION", __version__),
        ("OwnName", names.class_name),
        ("own-name", names.distribution.removeprefix("jepa-")),
        ("own_name", names.component),
    ):
        template = template.replace(written, meant)
    return template


def write_package(folder: Path, contents: dict[str, str]) -> Iterator[Path]:
    """Writes the files into a new folder, and yields their paths. Raises JepaError where the folder exists."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        raise JepaError(f"{folder}: exists already, and is left as it is") from None
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
        yield path
