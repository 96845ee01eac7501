"""A page for each kind of component: its contract, the built-in ones with their options, and how to start another."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable
from pathlib import Path

import jepa_core.testing
from jepa_core import Registry, hookspecs
from jepa_core.components import KINDS, Kind
from jepa_core.registry import Component
from jepa_core.report.console import OPTIONS, options_of
from jepa_plugins.scaffold.names import KIND_OF, Names
from jepa_plugins.scaffold.package import package_files
from scripts.docs_site.docstrings import markdown, signature

#: Kind -> what `jepa-run new` calls it.
CALLED = {kind: what for what, kind in KIND_OF.items()}


def kind_pages() -> dict[str, str]:
    """The pages, in the order of the kinds."""
    found = [c for c in Registry.discover().describe() if c.distribution == "jepa-core"]
    return {place(kind): _page(kind, its, [c for c in found if c.kind == kind]) for kind, its in KINDS.items()}


def place(kind: str) -> str:
    return f"components/{kind}.md"


def _page(kind: str, its: Kind, components: list[Component]) -> str:
    hook = getattr(hookspecs, its.hook)
    call = signature("__call__", its.contract.__call__)
    parts = [f"# {kind.capitalize()}", markdown(hook).partition(" Called once")[0]]
    parts += [f"In a recipe: `{its.key}`{', a list' if its.many else ''}. Hook: `{its.hook}`.", "## Contract"]
    parts += [markdown(its.contract), call, "What one may declare:", markdown(its.traits)]
    parts += ["## Built in", *map(_component, components), *_own(kind)]
    return "\n\n".join(parts) + "\n"


def _component(component: Component) -> str:
    paragraphs, rows = options_of(component)
    parts = [f"### `{component.name}`", *map(markdown, paragraphs)]
    if rows:
        told = ((f"`{name}`", of, f"`{default}`", markdown(words)) for name, of, default, words in rows)
        parts.append("\n".join(map(_line, [OPTIONS, ["---"] * len(OPTIONS), *told])))
    return "\n\n".join(parts)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _own(kind: str) -> list[str]:
    """A section on starting one's own, where there is a scaffold for the kind."""
    if kind not in CALLED:
        return []
    what = CALLED[kind]
    names = Names(f"my_{what}")
    code = package_files(what, names)[f"{names.module}.py"]
    start = f"`jepa-run new {what} {names.component}` makes a package of this, with its tests and a recipe:"
    clauses = "\n".join(f"- {clause}" for clause in contract_clauses(kind))
    return [
        "## One of your own",
        start,
        f"```python\n{code}```",
        f"`jepa_core.testing.{_contract(kind).__name__}` holds it to its contract:",
        clauses,
    ]


def _contract(kind: str) -> type:
    found = (getattr(jepa_core.testing, name) for name in jepa_core.testing.__all__)
    return next(contract for contract in found if contract.kind == kind)


def contract_clauses(kind: str) -> list[str]:
    """The clauses of a kind's contract test, those of every component last."""
    clauses: list[str] = []
    for owner in _contract(kind).__mro__[:-1]:
        tree = ast.parse(Path(inspect.getfile(owner)).read_text(encoding="utf-8"))
        body = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == owner.__name__)
        for function in body.body:
            for mark in getattr(function, "decorator_list", ()):
                if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "clause":
                    clauses.append(ast.literal_eval(mark.args[0]))
    return clauses
