"""A recipe in a line, and as a table for notebooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

Data = Mapping[str, Any]


def in_a_line(recipe: Data) -> str:
    """Sums up a recipe, given as plain data: dataset, model, loss, length and seed."""
    objective, training = recipe["objective"], recipe["training"]
    steps, epochs = training["max_steps"], training["num_train_epochs"]
    long = f"{steps:,} steps" if steps else f"{epochs:g} epochs"
    loss = (
        f"{objective['gamma_ntp']:g} ntp + {weight(objective['lambda_jepa'])} {name_of(objective['distance'])} "
        f"({name_of(objective['reversal'])}, k={objective['k']})"
    )
    return f"{name_of(recipe['data'])}, {_model(recipe['model'])}, {loss}, {long}, seed {recipe['seed']}"


def as_table(title: str, recipe: Data) -> str:
    """HTML with a row a key, sections one below another."""
    rows = "".join(f"<tr><th>{escape(key)}</th><td>{escape(value)}</td></tr>" for key, value in _rows(recipe))
    return f"<b>{escape(title)}</b><table>{rows}</table>"


def _rows(data: Data, before: str = "") -> Iterator[tuple[str, str]]:
    for key, value in data.items():
        if isinstance(value, Mapping) and value and "name" not in value:
            yield from _rows(value, f"{before}{key}.")
        elif value not in (None, "", [], ()):
            yield f"{before}{key}", str(value)


def _model(model: Data) -> str:
    if model["pretrained"]:
        return str(model["pretrained"])
    config = model["config"]
    return str(config["model_type"] if isinstance(config, Mapping) else config)


def weight(given: Any) -> str:
    """A term's weight, or the start and end of its schedule."""
    return f"{given:g}" if isinstance(given, int | float) else f"({given['start']:g} to {given['end']:g})"


def name_of(reference: object) -> str:
    """A component's name."""
    return str(reference["name"] if isinstance(reference, Mapping) else reference)
