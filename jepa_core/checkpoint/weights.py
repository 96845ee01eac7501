"""Weights and finished runs on disk.

A saved model is a plain Hugging Face folder, for ``AutoModelForCausalLM.from_pretrained``; parameters of
components, where there are any, stand beside it in ``components.safetensors``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers.utils import logging

from jepa_core.errors import JepaError
from jepa_core.samples.token_names import Vocabulary

if TYPE_CHECKING:
    from jepa_core.objective.objective import JepaObjective
    from jepa_core.recipe.schema import Recipe
    from jepa_core.registry import Registry

COMPONENTS = "components.safetensors"
MODEL = "model.safetensors"


def component_state(objective: JepaObjective) -> dict[str, Tensor]:
    """Parameters and buffers of everything in the objective but the model."""
    return {name: tensor for name, tensor in objective.state_dict().items() if not name.startswith("model.")}


def save_weights(objective: JepaObjective, folder: Path) -> None:
    """Writes the model and the components into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    logging.disable_progress_bar()  # a bar for one small file would break ours
    model: Any = objective.model
    model.save_pretrained(folder)
    if state := component_state(objective):
        # Clones, because safetensors refuses two names of one tensor, as of an extractor of both sides.
        save_file({name: tensor.contiguous().clone() for name, tensor in state.items()}, folder / COMPONENTS)


def load_weights(objective: JepaObjective, folder: Path) -> None:
    """Reads back, in place, what :func:`save_weights` wrote.

    Raises JepaError when a file is missing or does not fit.
    """
    state = {f"model.{name}": tensor for name, tensor in _read(folder / MODEL).items()}
    if component_state(objective):
        state |= _read(folder / COMPONENTS)
    try:
        missing, unexpected = objective.load_state_dict(state, strict=False)
    except RuntimeError as error:  # another shape
        raise JepaError(f"{folder}: these weights do not fit the recipe: {error}") from error
    tied = {f"model.{name}" for name in getattr(objective.model, "all_tied_weights_keys", {})}
    if wrong := [*(set(missing) - tied), *unexpected]:
        raise JepaError(f"{folder}: these weights do not fit the recipe: {', '.join(sorted(wrong)[:5])}")


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except Exception as error:
        raise JepaError(f"{path}: can't be read: {error}") from error


@dataclass(frozen=True)
class LoadedRun:
    """A finished run: objective (with its components), model, vocabulary, recipe."""

    objective: JepaObjective
    model: nn.Module
    vocabulary: Vocabulary
    recipe: Recipe

    @property
    def components(self) -> dict[str, Any]:
        """Kind -> component, as the objective uses it."""
        objective = self.objective
        return {
            "reversal": objective.planner.reversal,
            "mask": objective.mask,
            "embedding": (objective.source_embedding, objective.target_embedding),
            "distance": objective.distance,
            "filter": objective.planner.filters,
        }


def load(output_dir: str | Path, registry: Registry | None = None) -> LoadedRun:
    """The objective, model, components and recipe of a finished run, in evaluation mode.

    Raises JepaError when the folder holds no finished run.
    """
    from jepa_core.assembly.build import build_objective
    from jepa_core.folder.run_folder import RunFolder, read_json
    from jepa_core.recipe.load import load_recipe

    folder = RunFolder(Path(output_dir))
    if not folder.finished:
        raise JepaError(f"{output_dir}: no finished run there")
    recipe = load_recipe(folder.recipe, registry=registry)
    vocabulary = Vocabulary.from_json(read_json(folder.vocabulary))
    objective = build_objective(recipe, vocabulary, registry=registry, weights=folder.model)
    return LoadedRun(objective.eval(), objective.model, vocabulary, recipe)
