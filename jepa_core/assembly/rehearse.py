"""One step before the first, in which every component is watched: does it keep its contract in this run.

What it breaks is told with the line of the recipe that asks for the component, before anything is written.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from jepa_core.errors import JepaError
from jepa_core.tensors import same, snapshot, tensors
from jepa_core.views.pairs import Views

if TYPE_CHECKING:
    from jepa_core.assembly.build import Run
    from jepa_core.objective.objective import JepaObjective
    from jepa_core.recipe.schema import Recipe


class Broken(Exception):
    """A clause of a component's contract does not hold."""


def rehearse(run: Run) -> None:
    """Plans and runs a few samples, forward and backward; weights, gradients and random numbers stay as they were.

    Raises RecipeError naming component and clause.
    """
    train, objective = run.train_dataset, run.objective
    rows = torch.cat([train.first_rows(kind, 2) for kind in train.types]).sort().values.tolist()
    with watched(objective, run.recipe), torch.random.fork_rng():
        out = objective.train()(plan=objective.plan(train.__getitems__(rows)).to(objective.model.device))
        trained = [p for p in objective.parameters() if p.requires_grad]
        if out.loss.requires_grad:
            torch.autograd.grad(out.loss, trained, allow_unused=True)


@contextmanager
def watched(objective: JepaObjective, recipe: Recipe) -> Iterator[None]:
    """Watches every call of a component of `objective`."""

    def guard(component: Any, key: str, name: str, check: Callable[[tuple, Any], None]) -> Any:
        return _Guard(component, partial(_watch, recipe, key, name, check))

    settings, planner, layout = recipe.objective, objective.planner, objective.layout
    sides: Mapping[str, Any] = {
        "source_embedding": settings.embedding.source,
        "target_embedding": settings.embedding.target,
    }
    new: dict[str, Any] = {
        attribute: guard(getattr(objective, attribute), "objective.embedding", side.name, _vectors)
        for attribute, side in sides.items()
    }
    new["distance"] = guard(objective.distance, "objective.distance", settings.distance.name, _one_number_a_pair)
    if layout.name == "packed":
        mask = guard(objective.mask, "objective.mask", settings.mask.name, _bool_mask)
        new["layout"] = replace(layout, mask=partial(layout.mask.func, mask, *layout.mask.args[1:]))  # type: ignore[attr-defined]
    filters = tuple(
        guard(each, f"objective.filters.{i}", reference.name, _one_bool_a_sample)
        for i, (each, reference) in enumerate(zip(planner.filters, settings.filters, strict=True))
    )
    reversal = guard(planner.reversal, "objective.reversal", settings.reversal.name, _views)
    with _instead(objective, new), _instead(planner, {"filters": filters, "reversal": reversal}):
        yield


class _Guard:
    """Stands for a component: it declares what that declares, and is watched when it is called."""

    def __init__(self, component: Any, watch: Callable[..., Any]):
        self._component, self._watch = component, watch

    def __getattr__(self, name: str) -> Any:
        return getattr(self._component, name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._watch(self._component, args, kwargs)


def _watch(
    recipe: Recipe, key: str, name: str, check: Callable[[tuple, Any], None], component: Any, args: tuple, kwargs: dict
) -> Any:
    given, drawn = snapshot((args, kwargs)), _random_states()
    try:
        result = component(*args, **kwargs)
        if not same((args, kwargs), given):
            raise Broken("it changes what it is given in place; a component leaves its inputs as they were")
        if _random_states() != drawn:
            raise Broken("it draws from a global random number generator; randomness comes in as `draws`")
        check(args, result)
    except JepaError:
        raise
    except Broken as error:
        raise recipe.error(key, f"'{name}' breaks its contract: {error}") from error
    except (Exception, SystemExit) as error:
        raise recipe.error(key, f"'{name}' fails: {type(error).__name__}: {error}") from error
    return result


def _vectors(args: tuple, result: Any) -> None:
    hidden = args[0][0] if isinstance(args[0], tuple) else args[0]
    _shape(result, (hidden.shape[0], hidden.shape[2]), "one vector a sample, as wide as the hidden states")
    _of_floats(args, result)


def _one_number_a_pair(args: tuple, result: Any) -> None:
    _shape(result, args[0].shape[:1], "one number a pair")
    _of_floats(args, result)


def _one_bool_a_sample(args: tuple, result: Any) -> None:
    _shape(result, args[0].shape, "one bool a sample")
    _dtype(result, result.dtype == torch.bool, "bool")


def _bool_mask(args: tuple, result: Any) -> None:
    if not isinstance(result, Tensor):
        raise Broken(f"it returns {type(result).__name__}; a mask is a tensor of bool")
    _dtype(result, result.dtype == torch.bool, "bool")
    query, key = args[0].block, args[1].block
    wanted = torch.broadcast_shapes(query.shape, key.shape)
    try:
        fits = torch.broadcast_shapes(result.shape, wanted) == wanted
    except RuntimeError:
        fits = False
    if not fits:
        raise Broken(f"it returns shape {tuple(result.shape)}, which does not broadcast to {tuple(wanted)} (b t t)")


def _views(args: tuple, result: Any) -> None:
    if not isinstance(result, Views):
        raise Broken(f"it returns {type(result).__name__}; a strategy returns Views")


def _shape(result: Any, wanted: Any, words: str) -> None:
    if not isinstance(result, Tensor) or result.shape != torch.Size(wanted):
        found = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
        raise Broken(f"it returns {found}, not {tuple(wanted)}: {words}")


def _dtype(result: Tensor, right: bool, words: str) -> None:
    if not right:
        raise Broken(f"it returns {result.dtype}, not {words}")


def _of_floats(args: tuple, result: Tensor) -> None:
    _dtype(result, result.is_floating_point(), "floating-point numbers")
    if not torch.isfinite(result).all():
        raise Broken("it returns NaN or infinity for finite inputs" if _finite(args) else "it returns NaN or infinity")
    if any(tensor.requires_grad for tensor in tensors(args)) and not result.requires_grad:
        raise Broken("it returns a tensor cut off from its inputs, so nothing is learned through it")


def _finite(args: tuple) -> bool:
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors(args))


def _random_states() -> tuple[Any, ...]:
    numpy = np.random.get_state(legacy=False)
    return (
        bytes(torch.get_rng_state().numpy()),
        random.getstate(),
        numpy["state"]["key"].tobytes(),
        numpy["state"]["pos"],
    )


@contextmanager
def _instead(holder: Any, values: Mapping[str, Any]) -> Iterator[None]:
    """Other attributes for a while; a module's own parts too, which it does not give up by assignment."""
    parts = dict(holder._modules) if isinstance(holder, nn.Module) else {}
    before = {name: holder.__dict__[name] for name in values if name in holder.__dict__}
    for name, value in values.items():
        if isinstance(holder, nn.Module):
            holder._modules.pop(name, None)
        holder.__dict__[name] = value
    try:
        yield
    finally:
        for name in values:
            del holder.__dict__[name]
        holder.__dict__.update(before)
        if isinstance(holder, nn.Module):
            holder._modules.clear()
            holder._modules.update(parts)
