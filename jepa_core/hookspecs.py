"""The hooks: how components come in.

A hook takes no argument and returns a mapping ``name -> factory``. It is called once, when a recipe is
resolved, never while training. The factory's keyword signature *is* the schema of the component's options;
a factory whose first parameter is named ``context`` gets a :class:`jepa_core.contexts.BuildContext`
(datasets: a :class:`jepa_core.contexts.DatasetContext`). What each component is called with and returns
stands in :mod:`jepa_core.components`.

A plugin is a module with functions marked ``@jepa_core.hookimpl``, named in the entry point group
``jepa_core`` of its distribution.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pluggy

PROJECT = "jepa_core"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

Factories = Mapping[str, Callable[..., Any]]


@hookspec
def jepa_reversal_strategies() -> Factories:  # type: ignore[empty-body]
    """Reversal strategies: from samples to pairs of views. Called once, when a recipe is resolved."""


@hookspec
def jepa_mask_builders() -> Factories:  # type: ignore[empty-body]
    """Mask builders: which token may see which. Called once, when a recipe is resolved."""


@hookspec
def jepa_embedding_extractors() -> Factories:  # type: ignore[empty-body]
    """Embedding extractors: from a view's hidden states to one vector. Called once, when a recipe is resolved."""


@hookspec
def jepa_distance_functions() -> Factories:  # type: ignore[empty-body]
    """Distances between predicted and target embeddings. Called once, when a recipe is resolved."""


@hookspec
def jepa_loss_filters() -> Factories:  # type: ignore[empty-body]
    """Loss filters: which samples pay the JEPA loss. Called once, when a recipe is resolved."""


@hookspec
def jepa_rehearsals() -> Factories:  # type: ignore[empty-body]
    """Rehearsals: what a model is sure of becomes training rows. Called once, when a recipe is resolved."""


@hookspec
def jepa_datasets() -> Factories:  # type: ignore[empty-body]
    """Datasets: training and evaluation sets with their vocabulary. Called once, when a recipe is resolved."""


@hookspec
def jepa_predictors() -> Factories:  # type: ignore[empty-body]
    """Predictors: from the source's embedding towards the target's. Called once, when a recipe is resolved."""


@hookspec
def jepa_regularizers() -> Factories:  # type: ignore[empty-body]
    """Regularizers: keep the embeddings of a side from collapsing. Called once, when a recipe is resolved."""


@hookspec
def jepa_evaluations() -> Factories:  # type: ignore[empty-body]
    """Evaluations: further figures of a set. Called once, when a recipe is resolved."""
