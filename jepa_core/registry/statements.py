"""The names and attributes that statements at the top of a module or class assign."""

from __future__ import annotations

import ast
from collections.abc import Iterator


def assigned(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Yields each name that a statement assigns, with the expression."""
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    for target in targets:
        if isinstance(target, ast.Name) and value is not None:
            yield target.id, value
        if isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
            yield from ((t.id, v) for t, v in zip(target.elts, value.elts, strict=True) if isinstance(t, ast.Name))


def attributes(node: ast.AST) -> dict[tuple[str, str], ast.expr]:
    """(name, attribute) -> expression of a statement like ``factory.splits = …``; empty for any other."""
    targets = node.targets if isinstance(node, ast.Assign) else []
    pairs = [(t.value.id, t.attr) for t in targets if isinstance(t, ast.Attribute) and isinstance(t.value, ast.Name)]
    return dict.fromkeys(pairs, node.value) if isinstance(node, ast.Assign) else {}
