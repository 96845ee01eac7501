"""A recipe while it is checked: its data, where each key was given, and all that is wrong so far."""

from __future__ import annotations

from typing import Any

from jepa_core.errors import Problem, RecipeError
from jepa_core.recipe.strict_yaml import Document
from jepa_core.registry.places import COMMAND_LINE, KeyPath, Places, dotted


class Draft:
    """data: plain mappings, lists and scalars, as read; changed by overrides."""

    def __init__(self, document: Document):
        if not isinstance(document.data, dict):
            where = f"{document.path}:{document.lines[()]}"
            message = "a recipe is a mapping of sections, like 'objective: {k: 1}'"
            raise RecipeError([Problem(where, "", message)])
        self.data: dict[str, Any] = document.data
        self.file = document.path
        self.lines: dict[KeyPath, int] = dict(document.lines)
        self._problems: dict[tuple[str, str], tuple[int, Problem]] = {}
        for problem, line in document.problems.items():
            self._keep(line, problem)

    @property
    def places(self) -> Places:
        return Places(self.file, self.lines)

    def add(self, path: KeyPath, message: str) -> None:
        """Adds a problem at the place where `path` was given; a second one of the same key and place is dropped."""
        places = self.places
        self._keep(places.line(path), Problem(places.where(path), dotted(path), message))

    def wrong_at(self, path: KeyPath) -> bool:
        """Tells whether a problem has been added at `path` or below."""
        place = dotted(path)
        return any(key == place or key.startswith(f"{place}.") for _, key in self._problems)

    def add_to_command_line(self, key: str, message: str) -> None:
        self._keep(COMMAND_LINE, Problem("command line", key, message))

    def override(self, path: KeyPath) -> None:
        """Marks `path`, everything below it and the parents it created as given on the command line."""
        self.lines = {known: line for known, line in self.lines.items() if known[: len(path)] != path}
        for depth in range(1, len(path) + 1):
            self.lines.setdefault(path[:depth], COMMAND_LINE)

    def raise_problems(self) -> None:
        """Raises RecipeError with every problem, by line."""
        if self._problems:
            ordered = sorted(self._problems.values(), key=lambda item: item[0])
            raise RecipeError(problem for _, problem in ordered)

    def _keep(self, line: int, problem: Problem) -> None:
        self._problems.setdefault((problem.where, problem.key), (line, problem))
