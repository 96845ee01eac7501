"""Whatever number a recipe gives, it is taken or refused in one line; none ends in a traceback or fills the memory.

The keys are read off the schema, and the options off the installed components, so a new one is tried as well.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest

from jepa_core.assembly.build import build
from jepa_core.components import KINDS
from jepa_core.errors import JepaError, RecipeError
from jepa_core.launch.dry_run import dry_run
from jepa_core.recipe.load import load_recipe
from jepa_core.recipe.schema import Recipe
from jepa_core.registry.options import option_schema
from jepa_core.registry.section import Section
from tests.tiny_runs import REGISTRY
from tests.tiny_runs import TINY as SMALL

TINY = [*SMALL, "training.max_steps=1"]

VALUES = [
    "-1",
    "0",
    "1.5",
    str(10**12),
    str(10**30),
    str(-(10**30)),
    ".nan",
    ".inf",
    "-.inf",
    "1e300",
    "1e-300",
    "true",
]
#: Those that a step is trained with, where they are taken; the others are much the same there.
EXTREME = (str(10**30), "1e300", "1e-300")
#: Where the value goes; and what parts of the recipe that are mappings of their own need beside it.
HERE = "HERE"
BESIDE = {
    "WeightSchedule": {"start": "1", "end": "1", "steps": "3"},
    "EmaTarget": {"ema": "0.5"},
    "FurtherTerm": {"name": "more"},
}
#: Of memory, on top of what there is.
ROOM = 1 << 30
#: Data that the datasets with a file are tried with.
FILES = {
    "facts": {
        "path": ("f.jsonl", "".join(f'{{"head": "a{i}", "relation": "r", "tail": "b{i}"}}\n' for i in range(9))),
        "relations": ("r.yaml", "inverse_pairs: [[r, s]]\n"),
    },
    "messages": {
        "train": (
            "m.jsonl",
            '{"messages": [{"role": "user", "content": "a b"}, {"role": "assistant", "content": "c"}]}\n' * 20,
        )
    },
}


def written(annotation: Any) -> Iterator[str]:
    """Values of this type in which `HERE` is a number."""
    if annotation in (int, float):
        yield HERE
    elif get_origin(annotation) in (Union, UnionType, Annotated):
        for each in get_args(annotation):
            yield from written(each)
    elif get_origin(annotation) is tuple and get_args(annotation)[0] is not str:
        yield from (f"[{item}]" for item in written(get_args(annotation)[0]))
    elif isinstance(annotation, type) and annotation.__name__ in BESIDE:
        for name, value in numbers(annotation):
            entries = BESIDE[annotation.__name__] | {name: value}
            yield "{" + ", ".join(f"{key}: {entry}" for key, entry in entries.items()) + "}"


def numbers(section: type[Section]) -> Iterator[tuple[str, str]]:
    for name, field in section.model_fields.items():
        yield from ((name, value) for value in dict.fromkeys(written(field.annotation)))


def keys() -> list[tuple[str, str]]:
    """Key, and value with a place in it, of every number in the schema."""
    found = [*numbers(Recipe)]
    for name, section in Recipe.model_fields.items():
        if isinstance(section.annotation, type) and issubclass(section.annotation, Section):
            found += [(f"{name}.{key}", value) for key, value in numbers(section.annotation)]
    return found


def options() -> list[tuple[str, str, str]]:
    """Kind, name and option of every number that a built-in component takes."""
    return [
        (component.kind, component.name, option)
        for component in REGISTRY.describe()
        if component.distribution == "jepa-core"
        for option, schema in option_schema(component.factory)["properties"].items()
        if {"integer", "number"} & {each.get("type") for each in (schema, *schema.get("anyOf", ()))}
    ]


@pytest.fixture(autouse=True)
def little_memory(tmp_path, monkeypatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    before = resource.getrlimit(resource.RLIMIT_AS)
    taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (taken + ROOM, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def test_the_schema_has_been_read():
    found = keys()
    assert {("seed", HERE), ("objective.k", HERE), ("training.learning_rate", HERE)} <= set(found)
    assert ("objective.terms", f"[{{name: more, lambda_jepa: {{start: 1, end: {HERE}, steps: 3}}}}]") in found
    assert ("objective.target", f"{{ema: {HERE}}}") in found
    assert len(found) > 30
    assert ("distance", "cosine", "eps") in options()
    assert len(options()) > 30


@pytest.mark.parametrize(("key", "value"), keys())
def test_a_number_of_the_schema(key, value):
    longer = ["training.max_steps=null"] if key == "training.num_train_epochs" else []
    for number in VALUES:
        trained = number in EXTREME if key.startswith("training.") else None
        in_one_line([*TINY, *longer, f"{key}={value.replace(HERE, number)}"], trained)


@pytest.mark.parametrize(("kind", "name", "option"), [each for each in options() if each[1] not in FILES])
def test_an_option_of_a_component(kind, name, option):
    place = KINDS[kind]
    for number in VALUES:
        one = f"{{name: {name}, {option}: {number}}}"
        in_one_line([*TINY, f"{place.key}={f'[{one}]' if place.many else one}"])


@pytest.mark.parametrize(("name", "option"), [(n, o) for kind, n, o in options() if kind == "dataset" and n in FILES])
def test_an_option_of_a_dataset_that_reads_files(name, option):
    own = ", ".join(f"{key}: {file}" for key, (file, _) in FILES[name].items())
    for file, content in FILES[name].values():
        Path(file).write_text(content)
    for number in VALUES:
        in_one_line(
            [*(o for o in TINY if not o.startswith("data.")), f"data={{name: {name}, {own}, {option}: {number}}}"]
        )


def in_one_line(overrides: list[str], trained: bool | None = None) -> None:
    """The recipe is taken, and then does what it says or says in a line why not.

    trained: make a trainer, and train a step with it; None: a dry run.
    """
    try:
        recipe = load_recipe("cosine_k1", [*overrides, "output_dir=run"], REGISTRY)
        if trained is None:
            dry_run(recipe, device="cpu", registry=REGISTRY)
            return
        trainer = build(recipe, REGISTRY, "cpu").trainer
        if trained and trainer.args.max_steps == 1:
            trainer.train()
    except JepaError as error:
        assert "\n" not in str(error), overrides
        assert len(str(error)) < 600, overrides
        assert not isinstance(error, RecipeError) or "command line: " in str(error) or ".yaml:" in str(error)
