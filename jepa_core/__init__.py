"""JEPA losses for causal language models.

    recipe = jepa_core.load_recipe("recipes/cosine_k1.yaml", overrides=["objective.k=2"])
    run = jepa_core.build(recipe)
    result = jepa_core.run(recipe)
    again = jepa_core.load(result.output_dir)
    folder = jepa_core.export(result.output_dir, "a/plain/model")

The other names are what authors of components need. All load on first use, so that ``import jepa_core`` costs neither
torch nor transformers.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from jepa_core.hookspecs import hookimpl

if TYPE_CHECKING:
    from jepa_core.assembly.build import Run, build
    from jepa_core.assembly.export import export
    from jepa_core.assembly.load import LoadedRun, load
    from jepa_core.components import (
        DistanceFunction,
        EmbeddingExtractor,
        Evaluation,
        LossFilter,
        MaskBuilder,
        Predictor,
        Regularizer,
        Rehearsal,
        Rehearsed,
        ReversalStrategy,
    )
    from jepa_core.contexts import BuildContext, DataPath, DataPathOrId, DatasetContext, OnDisk
    from jepa_core.errors import ComponentError, DataError, JepaError, did_you_mean, raise_all, show
    from jepa_core.evaluation.evaluate import EvaluationContext
    from jepa_core.launch.result import Result
    from jepa_core.launch.run import run
    from jepa_core.objective.objective import JepaObjective
    from jepa_core.objective.spec import JepaTerm, ObjectiveSpec
    from jepa_core.recipe.load import load_recipe
    from jepa_core.registry import Registry
    from jepa_core.samples.asking import Answer, Asker, Found, Manner
    from jepa_core.samples.candidates import Asked, Candidates
    from jepa_core.samples.draws import Draws
    from jepa_core.samples.sample_set import Batch, SampleSet, TaskData
    from jepa_core.samples.samples import IGNORE, PAD, PRED, Samples
    from jepa_core.samples.token_names import TokenNames
    from jepa_core.views.pairs import Branch, NewBlock, Part, View, Views
    from jepa_core.views.row_tokens import Tokens

__version__ = "0.1.0"

#: Module -> the public names that live there.
_HOMES = {
    "assembly.build": ("Run", "build"),
    "assembly.export": ("export",),
    "assembly.load": ("LoadedRun", "load"),
    "components": (
        "DistanceFunction",
        "EmbeddingExtractor",
        "Evaluation",
        "LossFilter",
        "MaskBuilder",
        "Predictor",
        "Regularizer",
        "Rehearsal",
        "Rehearsed",
        "ReversalStrategy",
    ),
    "contexts": ("BuildContext", "DataPath", "DataPathOrId", "DatasetContext", "OnDisk"),
    "errors": ("ComponentError", "DataError", "JepaError", "did_you_mean", "raise_all", "show"),
    "evaluation.evaluate": ("EvaluationContext",),
    "launch.result": ("Result",),
    "launch.run": ("run",),
    "objective.objective": ("JepaObjective",),
    "objective.spec": ("JepaTerm", "ObjectiveSpec"),
    "recipe.load": ("load_recipe",),
    "registry": ("Registry",),
    "samples.asking": ("Answer", "Asker", "Found", "Manner"),
    "samples.candidates": ("Asked", "Candidates"),
    "samples.draws": ("Draws",),
    "samples.sample_set": ("Batch", "SampleSet", "TaskData"),
    "samples.samples": ("IGNORE", "PAD", "PRED", "Samples"),
    "samples.token_names": ("TokenNames",),
    "views.pairs": ("Branch", "NewBlock", "Part", "View", "Views"),
    "views.row_tokens": ("Tokens",),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [  # those of `_HOMES`, spelled out for tools that do not run this
    "IGNORE",
    "PAD",
    "PRED",
    "Answer",
    "Asked",
    "Asker",
    "Batch",
    "Branch",
    "BuildContext",
    "Candidates",
    "ComponentError",
    "DataError",
    "DataPath",
    "DataPathOrId",
    "DatasetContext",
    "DistanceFunction",
    "Draws",
    "EmbeddingExtractor",
    "Evaluation",
    "EvaluationContext",
    "Found",
    "JepaError",
    "JepaObjective",
    "JepaTerm",
    "LoadedRun",
    "LossFilter",
    "Manner",
    "MaskBuilder",
    "NewBlock",
    "ObjectiveSpec",
    "OnDisk",
    "Part",
    "Predictor",
    "Registry",
    "Regularizer",
    "Rehearsal",
    "Rehearsed",
    "Result",
    "ReversalStrategy",
    "Run",
    "SampleSet",
    "Samples",
    "TaskData",
    "TokenNames",
    "Tokens",
    "View",
    "Views",
    "__version__",
    "build",
    "did_you_mean",
    "export",
    "hookimpl",
    "load",
    "load_recipe",
    "raise_all",
    "run",
    "show",
]


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f"jepa_core.{_HOME[name]}"), name)
    if name == "testing":
        return import_module("jepa_core.testing")
    raise AttributeError(f"module 'jepa_core' has no attribute '{name}'")


def __dir__() -> list[str]:
    """Lists the public names and ``testing``, the contract tests for authors of components."""
    return [*__all__, "testing"]
