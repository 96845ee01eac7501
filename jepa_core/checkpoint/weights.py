"""Weights and finished runs on disk.

A saved model is a plain Hugging Face folder, for ``AutoModelForCausalLM.from_pretrained``; parameters of
components, where there are any, stand beside it in ``components.safetensors``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers.utils import logging

from jepa_core.errors import JepaError

if TYPE_CHECKING:
    from jepa_core.objective.objective import JepaObjective

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
