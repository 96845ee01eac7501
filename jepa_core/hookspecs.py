"""The hooks: how components come in.

A hook takes no argument and returns a mapping ``name -> factory``. It is called once, when a recipe is
resolved, never while training. The factory's keyword signature *is* the schema of the component's options;
a factory whose first parameter is named ``context`` gets a :class:`jepa_core.components.BuildContext`
(datasets: a :class:`jepa_core.components.DatasetContext`). What each component is called with and returns
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

#: kind of component -> the hook that brings it in
HOOKS = {
    "reversal": "jepa_reversal_strategies",
    "mask": "jepa_mask_builders",
    "embedding": "jepa_embedding_extractors",
    "distance": "jepa_distance_functions",
    "filter": "jepa_loss_filters",
    "dataset": "jepa_datasets",
}


@hookspec
def jepa_reversal_strategies() -> Factories:  # type: ignore[empty-body]
    """Reversal strategies: from facts to pairs of views. Called once, when a recipe is resolved."""


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
def jepa_datasets() -> Factories:  # type: ignore[empty-body]
    """Datasets: training and evaluation sets with their vocabulary. Called once, when a recipe is resolved."""
