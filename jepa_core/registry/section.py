"""The base of all parts of a recipe."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A part of a recipe: strict about types, closed to unknown keys, never changed once made."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class Conflict(ValueError):
    """Keys of one section that do not go together: pairs of a key and what is wrong with it."""

    def __init__(self, *problems: tuple[str, str]):
        self.problems = problems
        super().__init__("; ".join(f"{key}: {text}" for key, text in problems))
