"""Loading a study: checks its file, and every recipe that it would run, before anything runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jepa_core.errors import Problem, RecipeError, did_you_mean
from jepa_core.recipe.strict_yaml import Document, read_yaml
from jepa_core.registry import Registry
from jepa_core.registry.places import KeyPath, Places, dotted
from jepa_core.registry.plain_words import problems_in
from jepa_core.registry.section import Section
from jepa_core.study.check_recipes import check_recipes
from jepa_core.study.design import Design
from jepa_core.study.schema import Arm, Report, Study, Tune


def load_study(path: str | Path, registry: Registry) -> Design:
    """Loads the study in a file. Raises RecipeError with every problem of it and of the recipes that it names."""
    document = read_yaml(path)
    if not isinstance(document.data, dict):
        raise RecipeError([Problem(f"{path}:1", "", "a study is a mapping, like 'arms: {…}'")])
    document.data.setdefault("output_dir", f"runs/studies/{Path(path).stem}")
    found = Findings(document)
    study = _check_schema(found)
    recipes = check_recipes(found.data, Path(path), registry, found.add, found.add_foreign)
    found.raise_problems()
    assert study is not None, "what does not validate has problems"
    return Design(study, Path(path), recipes)


class Findings:
    """The file's data and its problems so far, each of them once."""

    def __init__(self, document: Document):
        self.data: dict[str, Any] = document.data
        self.places = Places(document.path, document.lines)
        self._problems = dict(document.problems)

    def add(self, path: KeyPath, message: str) -> None:
        self._problems.setdefault(Problem(self.places.where(path), dotted(path), message), self.places.line(path))

    def add_foreign(self, path: KeyPath, problem: Problem) -> None:
        """Adds a problem in another file, which is named at `path`."""
        self._problems.setdefault(problem, self.places.line(path))

    def raise_problems(self) -> None:
        """Raises RecipeError with every problem, by line."""
        if self._problems:
            raise RecipeError(sorted(self._problems, key=self._problems.__getitem__))


def _check_schema(found: Findings) -> Study | None:
    try:
        return Study.model_validate(found.data)
    except ValidationError as error:
        for path, kind, words in problems_in(error, found.data):
            found.add(path, _unknown(path) if kind == "extra_forbidden" else words)
    return None


def _unknown(path: KeyPath) -> str:
    """The message for a key that its section does not have."""
    sections: dict[KeyPath, type[Section]] = {("tune",): Tune, ("report",): Report, (): Study}
    known = sections.get(path[:-1], Arm).model_fields
    return f"unknown key{did_you_mean(str(path[-1]), known) or '; known: ' + ', '.join(known)}"
