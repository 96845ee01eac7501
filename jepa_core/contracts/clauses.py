"""The clauses on what each kind of component returns, in one place.

Every clause is called with the arguments and the result of one call, and raises Broken with what is wrong.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from jepa_core.components import MaskTraits
from jepa_core.contracts.broken import Broken
from jepa_core.contracts.views import check_ids, check_views, padded_twice
from jepa_core.tensors import same, snapshot, tensors


def vectors(args: tuple[Any, ...], result: Any) -> None:
    """Checks an extractor: hidden ``b s d`` to ``b d``."""
    hidden = args[0]
    _shape(result, (hidden.shape[0], hidden.shape[2]), "one vector a sample, as wide as the hidden states")
    _of_floats(args, result)


def as_many_vectors(args: tuple[Any, ...], result: Any) -> None:
    """Checks a predictor: state ``n d`` to ``n d``."""
    _shape(result, args[0].shape, "one vector a pair, as wide as the state")
    _of_floats(args, result)


def one_number_a_pair(args: tuple[Any, ...], result: Any) -> None:
    """Checks a distance: predicted ``n d`` to ``n``."""
    _shape(result, args[0].shape[:1], "one number a pair")
    _of_floats(args, result)


def scalar(args: tuple[Any, ...], result: Any) -> None:
    """Checks a regularizer: embeddings ``n d`` to a scalar."""
    _shape(result, (), "a scalar")
    _of_floats(args, result)


def one_bool_a_sample(args: tuple[Any, ...], result: Any) -> None:
    """Checks a filter: eligible ``b`` to bool ``b``."""
    _shape(result, args[0].shape, "one bool a sample")
    _dtype(result, result.dtype == torch.bool, "bool")


def bool_mask(args: tuple[Any, ...], result: object) -> None:
    """Checks a mask builder: query and key to bool that broadcasts to ``b t t``."""
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


def views(args: tuple[Any, ...], result: object) -> None:
    """Checks a reversal strategy: samples to views."""
    check_views(args[0], result)


def positions_read(args: tuple[Any, ...], result: Any) -> None:
    """Checks what an extractor says that it reads: valid ``b s`` to bool ``b s``."""
    _shape(result, args[0].shape, "reads gives one bool a token")
    _dtype(result, result.dtype == torch.bool, "bool")


def figures(result: object) -> None:
    """Checks an evaluation: figures by name, as metrics.json can hold them."""
    if not isinstance(result, Mapping):
        raise Broken(f"it returns {type(result).__name__}, not figures by name")
    for name, value in result.items():
        if not isinstance(name, str) or not name:
            raise Broken(f"a figure is called {name!r}; expected a name")
        if not (value is None or isinstance(value, Mapping | list) or _is_figure(value)):
            raise Broken(f"its figure '{name}' is of type {type(value).__name__}; expected a number, list or mapping")
        try:
            json.dumps(value)
        except (TypeError, ValueError, RecursionError) as error:
            raise Broken(f"its figure '{name}' holds what JSON can't: {error}") from error


def _is_figure(value: Any) -> bool:
    return isinstance(value, float) or (type(value) is int and abs(value) < 2**1023)


#: Kind of component -> the clause on what it returns.
RESULTS: dict[str, Callable[[tuple[Any, ...], Any], None]] = {
    "reversal": views,
    "mask": bool_mask,
    "embedding": vectors,
    "predictor": as_many_vectors,
    "distance": one_number_a_pair,
    "regularizer": scalar,
    "filter": one_bool_a_sample,
}


@dataclass(frozen=True)
class Size:
    """The model's layers, in all of which a mask is the same unless it declares otherwise, and its token ids."""

    layers: int = 1
    vocabulary: int | None = None


def watched_call(
    kind: str, component: Any, args: tuple[Any, ...], kwargs: dict[str, Any], size: Size | None = None
) -> object:
    """Calls a component. Raises Broken when it changes its inputs, uses a global generator, or breaks a clause."""
    size = size or Size()
    given, drawn = snapshot((args, kwargs)), generator_states()
    result = component(*args, **kwargs)
    if not same((args, kwargs), given):
        raise Broken("it changes what it is given in place; a component leaves its inputs as they were")
    if generator_states() != drawn:
        raise Broken("it draws from a global random number generator; randomness comes in as `draws`")
    RESULTS[kind](args, result)
    if kind == "mask" and not MaskTraits.of(component).by_layer:
        _same_in_every_layer(component, args, result, size.layers)
    if kind == "reversal":
        check_ids(result, size.vocabulary)
        more = padded_twice(args)
        check_views(more[0], component(*more))
    return result


def _same_in_every_layer(mask: Any, args: tuple[Any, ...], result: Tensor, layers: int) -> None:
    query, key, asked = args
    for layer in range(layers):
        if layer != asked and not same(mask(query, key, layer), result):
            raise Broken(f"layer {layer} sees something else than layer {asked}; declare by_layer = True")


def generator_states() -> tuple[Any, ...]:
    """The states of the global random number generators."""
    numpy = np.random.get_state(legacy=False)
    return (
        bytes(torch.get_rng_state().numpy()),
        random.getstate(),
        numpy["state"]["key"].tobytes(),
        numpy["state"]["pos"],
    )


def _shape(result: Any, wanted: Any, words: str) -> None:
    if not isinstance(result, Tensor) or result.shape != torch.Size(wanted):
        found = tuple(result.shape) if isinstance(result, Tensor) else type(result).__name__
        raise Broken(f"it returns {found}, not {tuple(wanted)}: {words}")


def _dtype(result: Tensor, right: bool, words: str) -> None:
    if not right:
        raise Broken(f"it returns {result.dtype}, not {words}")


def _of_floats(args: tuple[Any, ...], result: Tensor) -> None:
    _dtype(result, result.is_floating_point(), "floating-point numbers")
    if not torch.isfinite(result).all():
        raise Broken("it returns NaN or infinity for finite inputs" if _finite(args) else "it returns NaN or infinity")
    if any(tensor.requires_grad for tensor in tensors(args)) and not result.requires_grad:
        raise Broken("it returns a tensor cut off from its inputs, so nothing is learned through it")


def _finite(args: tuple[Any, ...]) -> bool:
    return all(bool(torch.isfinite(tensor).all()) for tensor in tensors(args))
