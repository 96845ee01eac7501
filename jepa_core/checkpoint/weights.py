"""Weights and finished runs on disk.

A saved model is a plain Hugging Face folder, for ``AutoModelForCausalLM.from_pretrained``, or the adapters of one,
for peft's ``AutoPeftModelForCausalLM``; parameters of components, where there are any, stand beside it in
``components.safetensors``.
"""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers.utils import logging

from jepa_core.errors import JepaError
from jepa_core.model import adapters
from jepa_core.model.from_folder import Misfit, misfits, read_model

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from jepa_core.objective.objective import JepaObjective

State = dict[str, Tensor]
COMPONENTS = "components.safetensors"
MODEL = "model.safetensors"


def component_state(objective: JepaObjective, state: State | None = None) -> State:
    """Parameters and buffers of everything in the objective but the model."""
    state = objective.state_dict() if state is None else state
    return {name: tensor for name, tensor in state.items() if not name.startswith("model.")}


def save_weights(objective: JepaObjective, folder: Path, state: State | None = None) -> None:
    """Writes model and components into `folder`. state: the objective's whole one, if this process has only a part."""
    folder.mkdir(parents=True, exist_ok=True)
    logging.disable_progress_bar()  # a bar for one small file would break ours
    model: PreTrainedModel = objective.model
    of_model = state and {n.removeprefix("model."): t for n, t in state.items() if n.startswith("model.")}
    if adapters.has_adapters(model):
        adapters.save_adapters(model, folder, of_model)
    else:
        model.save_pretrained(folder, state_dict=of_model)
    if state := component_state(objective, state):
        # Clones, because safetensors refuses two names of one tensor, such as that of an extractor for both sides.
        save_file({name: tensor.contiguous().clone() for name, tensor in state.items()}, folder / COMPONENTS)


def answer_greedily(model: PreTrainedModel, tokens: int) -> None:
    """Makes the likeliest answer, of at most so many tokens, the default of ``generate`` and pipelines."""
    settings = model.generation_config
    settings.do_sample, settings.max_new_tokens = False, tokens


def load_weights(objective: JepaObjective, folder: Path) -> None:
    """Reads back, in place, what :func:`save_weights` wrote, bit by bit.

    Raises JepaError when a file is missing or does not fit; then nothing is changed.
    """
    model: PreTrainedModel = objective.model
    own = component_state(objective)
    components = _read(folder / COMPONENTS) if own else {}
    _refuse_others(own, components, folder)
    load_model(model, folder)
    objective.load_state_dict(components, strict=False)


def load_model(model: PreTrainedModel, folder: Path) -> None:
    """Reads the model's part of what :func:`save_weights` wrote."""
    if adapters.has_adapters(model):
        adapters.load_adapters(model, _adapter_state(model, folder))
    else:
        model.load_state_dict(_model_state(model, folder))


def _adapter_state(model: PreTrainedModel, folder: Path) -> dict[str, Tensor]:
    """The adapters' tensors in a folder; the recipe says which pretrained model they belong to."""
    found = _read(folder / adapters.WEIGHTS)
    _refuse_others(adapters.adapter_state(model), found, folder)
    return found


def _model_state(model: PreTrainedModel, folder: Path) -> dict[str, Tensor]:
    """The model's weights in a folder, under the model's own names: saving renames and splits some."""
    for path in [path for path in folder.glob("*.safetensors") if path.name != COMPONENTS] or [folder / MODEL]:
        _open(path)
    if (folder / adapters.CONFIG).exists():
        raise JepaError(f"{folder}: holds {adapters.CONFIG}, which would have weights of another folder read")
    widest = reduce(torch.promote_types, {p.dtype for p in model.parameters()})  # so that no bit is lost on the way
    try:
        options = {"config": model.config, "dtype": widest, "use_safetensors": True, "local_files_only": True}
        with torch.random.fork_rng(devices=[]):
            state: dict[str, Tensor] = read_model(type(model), str(folder), **options).state_dict()
    except Misfit as error:
        raise JepaError(f"{folder}: these weights do not fit the recipe: {error}") from error
    except Exception as error:  # whatever transformers makes of a damaged folder
        raise JepaError(f"{folder}: can't be read: {error}") from error
    return state


def _refuse_others(own: dict[str, Tensor], found: dict[str, Tensor], folder: Path) -> None:
    shared = own.keys() & found.keys()
    other = [(name, found[name].shape, own[name].shape) for name in shared if found[name].shape != own[name].shape]
    missing, unexpected = own.keys() - found.keys(), found.keys() - own.keys()
    wrong = {"missing_keys": missing, "unexpected_keys": unexpected, "mismatched_keys": other, "error_msgs": []}
    if problems := misfits(wrong):
        raise JepaError(f"{folder}: these weights do not fit the recipe: {problems}")


def _open(path: Path) -> None:
    try:
        with safe_open(path, framework="pt"):
            pass
    except Exception as error:
        raise JepaError(f"{path}: can't be read: {error}") from error


def _read(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except Exception as error:
        raise JepaError(f"{path}: can't be read: {error}") from error
