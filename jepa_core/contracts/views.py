"""The clauses on the views that a reversal strategy makes.

Axes: ``b`` samples, ``s`` tokens of a sample or of a new block.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad

from jepa_core.contracts.broken import Broken
from jepa_core.samples.samples import IGNORE, PAD, PRED, Samples
from jepa_core.views.pairs import Branch, NewBlock, Part, Views


def check_views(samples: Samples, result: object) -> None:
    """Raises Broken unless `result` is Views of these samples, with a token and a usable weight in every row."""
    if not isinstance(result, Views):
        raise Broken(f"it returns {type(result).__name__}; a strategy returns Views")
    if not isinstance(result.pairs, tuple | list) or not result.pairs:
        raise Broken("its Views have no pair; expected one or more pairs (source, target)")
    for pair in result.pairs:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise Broken(f"a pair is {_called(pair)}, not a source and a target")
        for view in pair:
            _check_view(samples, view)
    _check_weights(samples, result)


def check_ids(views: Views, vocabulary: int | None) -> None:
    """Raises Broken for a token of a new block that the model does not know, of so many."""
    for view in (view for pair in views.pairs for view in pair):
        if isinstance(view, NewBlock) and vocabulary is not None:
            highest = int(view.samples.ids.where(view.samples.valid, 0).max())
            if highest >= vocabulary:
                raise Broken(f"a new block has the token {highest}, and the model knows 0 to {vocabulary - 1}")


def padded_twice(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same call for every sample twice, with a column of padding behind: what was right by chance, of one sample or
    of samples of one length, is not right there."""
    samples, *draws = args
    twice = torch.arange(len(samples)).repeat(2)
    more = samples[twice]
    wide = Samples(pad(more.ids, (0, 1)), pad(more.tags, (0, 1), value=PAD), more.renderings)
    return (wide, *(replace(each, index=each.index[twice]) for each in draws))


def _called(value: object) -> str:
    return f"{len(value)} views" if isinstance(value, tuple | list) else f"a {type(value).__name__}"


def _check_view(samples: Samples, view: object) -> None:
    if isinstance(view, Part):
        _check_selected("a part's select", view.select, samples.valid)
    elif isinstance(view, NewBlock):
        _check_block(samples, view)
    else:
        raise Broken(f"a view is a {type(view).__name__}; expected a Part or a NewBlock")


def _check_selected(name: str, select: Any, valid: Tensor) -> None:
    _check_tensor(name, select, tuple(valid.shape), torch.bool)
    if (select & ~valid).any():
        raise Broken(f"{name} has padding in it")
    if not select.any(dim=1).all():
        raise Broken(f"{name} has no token in row {int((~select.any(dim=1)).long().argmax())}")


def _check_tensor(name: str, value: object, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    if not isinstance(value, Tensor):
        raise Broken(f"{name} is a {type(value).__name__}, not a tensor of {shape}")
    if tuple(value.shape) != shape or value.dtype != dtype:
        raise Broken(f"{name} is {tuple(value.shape)} of {value.dtype}, not {shape} of {dtype}")


def _check_block(samples: Samples, view: NewBlock) -> None:
    """Checks tokens, the view among them, labels, and of a branch the prefix."""
    new = view.samples
    if not isinstance(new, Samples):
        raise Broken(f"a new block holds a {type(new).__name__}, not Samples")
    shape = (len(samples), new.ids.shape[1])
    for name, value in (("ids", new.ids), ("tags", new.tags)):
        _check_tensor(f"a new block's {name}", value, shape, torch.int64)
    if (new.valid[:, 1:] & ~new.valid[:, :-1]).any():
        raise Broken("a new block has padding before a real token")
    if (new.tags == PRED).any() or (new.tags < PRED).any():
        raise Broken("a new block has tokens of a tag below 0; predictor tokens are the core's to add")
    if (new.ids[new.valid] < 0).any():
        raise Broken(f"a new block has the token {int(new.ids[new.valid].min())}")
    _check_selected("a new block's view", view.selected, new.valid)
    if view.labels is not None:
        _check_labels(view.labels, new)
    if isinstance(view, Branch):
        _check_prefix(samples, view.after)


def _check_labels(labels: Any, new: Samples) -> None:
    _check_tensor("a new block's labels", labels, tuple(new.ids.shape), torch.int64)
    labelled = labels != IGNORE
    if (labelled & (new.tags == PAD)).any() or labelled[:, :1].any():
        raise Broken("a new block has a label at padding, or at its first token, which nothing predicts")
    if (labels != new.ids)[labelled].any():
        raise Broken("a new block has a label that is not the token it stands at")


def _check_prefix(samples: Samples, after: Any) -> None:
    _check_tensor("a branch's after", after, (len(samples),), torch.int64)
    if (after < 0).any() or (after > samples.valid.sum(dim=1)).any():
        raise Broken("a branch goes on after more tokens than its sample has, or fewer than none")


def _check_weights(samples: Samples, result: Views) -> None:
    """Checks the weights of the pairs, all of them 0 where nothing is to be learned from a sample."""
    if result.weights is None:
        return
    weights = result.weights if isinstance(result.weights, Sequence) else ()
    if len(weights) != len(result.pairs):
        raise Broken(f"there are {len(weights)} weights for {len(result.pairs)} pairs; expected one, or None, for each")
    for weight in weights:
        if weight is None:
            continue
        if not isinstance(weight, Tensor) or weight.shape != (len(samples),) or not weight.is_floating_point():
            raise Broken(f"a pair's weights are no floating-point numbers ({len(samples)},), one a sample")
        if not weight.isfinite().all() or (weight < 0).any():
            raise Broken("a pair's weight is negative, or not finite")
