"""A trial step before the first, in which every component is watched for breaches of its contract.

A breach is reported at the line of the recipe that asks for the component, before anything is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from jepa_core.assembly.assemble import told_at
from jepa_core.components import EmbeddingTraits
from jepa_core.contracts.broken import Broken
from jepa_core.contracts.clauses import Size, positions_read, watched_call
from jepa_core.errors import ComponentError, JepaError, brief
from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.planner import takes_draws
from jepa_core.objective.spec import JepaTerm

if TYPE_CHECKING:
    from jepa_core.assembly.build import Run
    from jepa_core.recipe.schema import Recipe


#: Samples of each group that the step is made of: of one, much is right by chance; many take long in a large model.
FEW = 2


def watched_step(run: Run) -> None:
    """Plans and runs a few samples, forward and backward; weights, gradients and random numbers stay as they were.

    Raises RecipeError naming component and clause.
    """
    train = run.train_dataset
    rows = torch.cat([train.first_rows(group, FEW) for group in train.group_sizes]).sort().values.tolist()
    told = told_at(run.recipe, "objective.filters")
    with watched(run.objective, run.recipe) as seen, told, torch.random.fork_rng():
        out = seen.train()(plan=seen.plan(train.__getitems__(rows)).to(seen.model.device))
        trained = [p for p in run.objective.parameters() if p.requires_grad]
        if out.loss.requires_grad:
            torch.autograd.grad(out.loss, trained, allow_unused=True)


@contextmanager
def watched(objective: JepaObjective, recipe: Recipe) -> Iterator[JepaObjective]:
    """Yields the same objective over the same model, with every call of a component watched."""
    spec, settings, training = objective.spec, recipe.objective, objective.training
    size = Size(objective.transformer.num_layers, objective.transformer.vocab)
    terms = [_watched_term(spec.terms[0], recipe, "objective", settings, size)]
    terms += [
        _watched_term(term, recipe, f"objective.terms.{i}", settings.terms[i], size)
        for i, term in enumerate(spec.terms[1:])
    ]
    mask = guarded("mask", spec.mask, recipe, "objective.mask", settings.mask.name, size)
    seen = type(objective)(objective.model, replace(spec, terms=tuple(terms), mask=mask, layout=objective.layout.name))  # type: ignore[arg-type]
    try:
        yield seen
    finally:
        seen.close()
        objective.train(training)


def _watched_term(term: JepaTerm, recipe: Recipe, key: str, settings: object, size: Size) -> JepaTerm:
    main = recipe.objective

    def chosen(kind: str) -> Any:
        own = getattr(settings, kind)
        return own if own is not None else getattr(main, kind)

    def guard(kind: str, component: object, place: str, name: str) -> Any:
        return None if component is None else guarded(kind, component, recipe, f"{key}.{place}", name, size)

    sides = chosen("embedding")
    return replace(
        term,
        reversal=guard("reversal", term.reversal, "reversal", chosen("reversal").name),
        source=guard("embedding", term.source, "embedding", sides.source.name),
        target=guard("embedding", term.target, "embedding", sides.target.name),
        condition=guard("embedding", term.condition, "embedding", getattr(sides.condition, "name", "")),
        predictor=guard("predictor", term.predictor, "predictor", chosen("predictor").name),
        distance=guard("distance", term.distance, "distance", chosen("distance").name),
        filters=tuple(
            guard("filter", each, f"filters.{i}", chosen("filters")[i].name) for i, each in enumerate(term.filters)
        ),
        regularizers=tuple(
            (name, guard("regularizer", each, f"regularizers.{i}", name))
            for i, (name, each) in enumerate(term.regularizers)
        ),
    )


def guarded(kind: str, component: object, recipe: Recipe, key: str, name: str, size: Size | None = None) -> Any:
    """Stands for a component: it declares the same traits, and every call is watched."""

    def call(*args: Any, **kwargs: Any) -> Any:
        with _told(recipe, key, name):
            return watched_call(kind, component, args, kwargs, size)

    base = _GuardWithDraws if kind == "reversal" and takes_draws(component) else _Guard
    guard: _Guard = type(type(component).__name__, (base,), {})(component, call)  # messages name its class
    if kind == "embedding" and (reads := EmbeddingTraits.of(component).reads) is not None:
        guard.reads = _guarded_reads(reads, recipe, key, name)
    return guard


def _guarded_reads(reads: Callable[[Any, Any], Any], recipe: Recipe, key: str, name: str) -> Callable[[Any, Any], Any]:
    def call(valid: object, tags: object) -> Any:
        with _told(recipe, key, name):
            found = reads(valid, tags)
            positions_read((valid, tags), found)
            return found

    return call


@contextmanager
def _told(recipe: Recipe, key: str, name: str) -> Iterator[None]:
    """Tells what a component does wrong at the line of the recipe that asks for it."""
    try:
        yield
    except ComponentError as error:
        raise recipe.error(key, f"'{name}' refuses: {error}") from error
    except JepaError:
        raise
    except Broken as error:
        raise recipe.error(key, f"'{name}' breaks its contract: {error}") from error
    except (Exception, SystemExit) as error:
        raise recipe.error(key, f"'{name}' fails: {brief(error)}") from error


class _Guard:
    reads: Callable[[Any, Any], Any]

    def __init__(self, component: Any, call: Callable[..., Any]):
        self._component, self._call = component, call

    def __getattr__(self, name: str) -> Any:
        return getattr(self._component, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)


class _GuardWithDraws(_Guard):
    """Guards a strategy that asks for random numbers; the planner looks at the signature."""

    def __call__(self, samples: object, draws: object) -> Any:
        return self._call(samples, draws)
