"""Tutorials: Python scripts in cells, run from top to bottom, shown with what they print, and given as notebooks too.

A line ``# %% [markdown]`` begins a cell of text, ``# %%`` one of code: editors run such files cell by cell.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any


@dataclass(frozen=True)
class Cell:
    """is_text: Markdown, and not code."""

    is_text: bool
    source: str


def cells(text: str) -> list[Cell]:
    """The cells of a script; what stands above the first one is left out."""
    found = re.split(r"^# %%(.*)\n", text, flags=re.M)[1:]
    return [
        Cell("markdown" in mark, re.sub(r"^# ?", "", body, flags=re.M).strip() if "markdown" in mark else body.strip())
        for mark, body in zip(found[::2], found[1::2], strict=True)
    ]


def tutorial_pages(folder: Path) -> tuple[dict[str, str], dict[str, bytes]]:
    """The pages, each with its notebook beside it. Raises whatever a tutorial raises."""
    texts, files = {}, {}
    for script in sorted(folder.glob("*.py")):
        parts = cells(script.read_text(encoding="utf-8"))
        texts[f"tutorials/{script.stem}.md"] = _page(script.stem, parts, run(parts, script.name))
        files[f"tutorials/{script.stem}.ipynb"] = json.dumps(notebook(parts), indent=1).encode()
    return texts, files


def run(parts: list[Cell], name: str) -> list[str]:
    """Runs the cells one after another in an empty folder; returns the output of each, with the value of a last
    expression, as in a notebook."""
    names: dict[str, Any] = {"__name__": "__main__"}
    with TemporaryDirectory() as folder, _inside(Path(folder)):
        return [
            "" if cell.is_text else _outcome(cell.source, names, f"{name}, cell {i}") for i, cell in enumerate(parts)
        ]


@contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """A context with this folder as the current one, and on the path of modules."""
    before, path, modules = Path.cwd(), list(sys.path), set(sys.modules)
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        os.chdir(before)
        sys.path[:] = path
        for name in set(sys.modules) - modules:
            if str(getattr(sys.modules[name], "__file__", None) or "").startswith(str(folder)):
                del sys.modules[name]


def _outcome(source: str, names: dict[str, Any], where: str) -> str:
    tree = ast.parse(source)
    last = tree.body[-1] if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    said = StringIO()
    with redirect_stdout(said), redirect_stderr(StringIO()):
        exec(compile(ast.Module(tree.body[: -1 if last else None], []), where, "exec"), names)
        if last is not None:
            value = eval(compile(ast.Expression(last.value), where, "eval"), names)
            if value is not None:
                print(value)
    return said.getvalue()


def _page(name: str, parts: list[Cell], outcomes: list[str]) -> str:
    shown = [f"[This page as a notebook]({name}.ipynb)"]
    for cell, outcome in zip(parts, outcomes, strict=True):
        shown.append(cell.source if cell.is_text else f"```python\n{cell.source}\n```")
        if outcome.strip():
            shown.append(f"```text\n{outcome.strip()}\n```")
    title, *rest = shown[1:]
    return "\n\n".join([title, shown[0], *rest]) + "\n"


def notebook(parts: list[Cell]) -> Mapping[str, Any]:
    """The cells in Jupyter's format 4.5, without outputs."""
    shown = [
        {
            "cell_type": "markdown" if cell.is_text else "code",
            "id": f"cell-{number}",
            "metadata": {},
            "source": cell.source.splitlines(keepends=True),
            **({} if cell.is_text else {"execution_count": None, "outputs": []}),
        }
        for number, cell in enumerate(parts)
    ]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": shown, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
