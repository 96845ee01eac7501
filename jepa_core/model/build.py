"""The model of a recipe: from a config, or pretrained."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from transformers import CONFIG_MAPPING, AutoConfig, AutoModelForCausalLM

from jepa_core.errors import JepaError
from jepa_core.model.adapters import add_adapters
from jepa_core.model.ends import force_no_token, say_what_ends
from jepa_core.model.from_folder import Misfit, read_model
from jepa_core.model.hub import HubError, find_or_id, load_local_or_hub, one_line
from jepa_core.model.new_tokens import add_rows, first_new, note_rows
from jepa_core.registry.options import type_problems
from jepa_core.samples.token_names import TokenNames

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from jepa_core.recipe.model_section import ModelSection

_SENTENCES = ("bos_token_id", "eos_token_id")
#: Keys of a configuration that the data set, or that describe the weights, which are not taken.
_NOT_THE_ARCHITECTURE = ("vocab_size", "pad_token_id", "dtype", "architectures", "transformers_version", "id2label")


def build_model(section: ModelSection, vocabulary: TokenNames, search: Sequence[Path] = (Path(),)) -> PreTrainedModel:
    """Builds a causal language model with room for the vocabulary, in training mode.

    A pretrained model whose embedding has too few rows gets more. search: the folders in which a pretrained one may
    lie. Raises JepaError when it can't be built.
    """
    dtype = getattr(torch, section.dtype)
    options = {"attn_implementation": section.attn_implementation, "dtype": dtype}
    try:
        if section.pretrained is None:
            config = _config(section.config or {}, vocabulary, search)
            model = AutoModelForCausalLM.from_config(config, trust_remote_code=False, **options)
            force_no_token(model)
        else:
            model = _pretrained(section.pretrained, search, options)
    except JepaError:
        raise
    except Exception as error:  # a damaged file, no network, a size that the model refuses: anything
        source = section.pretrained or (section.config if isinstance(section.config, str) else "")
        where = f" {source}" if source else ""
        raise JepaError(f"model{where}: {_told(error)}") from error
    new = range(first_new(model, vocabulary), vocabulary.size)
    if section.pretrained is not None:
        note_rows(model)
        add_rows(model, new, new.start)
    _train_all_rows(model)
    say_what_ends(model, vocabulary)
    if section.lora is not None:
        add_adapters(model, section.lora, new)
    return model.train()


def _pretrained(name: str, search: Sequence[Path], options: dict[str, Any]) -> Any:
    def load(source: str, local: bool) -> Any:
        try:
            return read_model(AutoModelForCausalLM, source, local_files_only=local, **options)
        except Misfit as error:  # the Hub has no others
            return error

    model = _found(name, search, load)
    if isinstance(model, Misfit):
        raise JepaError(f"model {name}: its weights do not fit its configuration: {model}") from model
    return model


def _found(name: str, search: Sequence[Path], load: Callable[[str, bool], Any]) -> Any:
    """Calls ``load(source, local)`` for a folder or an id; returns the result. local: whether to keep off the Hub."""
    try:
        source = find_or_id(name, tuple(search))
        return load_local_or_hub(source, partial(load, source))
    except HubError as error:
        raise JepaError(f"model {error}") from error


def _told(error: Exception) -> str:
    """Tells an error in one line; code of a model's own is not run, and nobody is asked to allow it."""
    if "trust_remote_code" in str(error):
        return "it needs code of its own, which is not run here: its kind of model is none of transformers'"
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or "DefaultCPUAllocator" in str(error):
        return "its weights do not fit into the memory of this machine"
    if "scaled_dot_product_attention" in str(error):
        return "this kind of model has no sdpa attention; set model.attn_implementation: eager"
    return one_line(error)


def _config(config: dict[str, Any] | str, vocabulary: TokenNames, search: Sequence[Path]) -> Any:
    """The recipe's config, or that of a folder or an id, with the vocabulary of the data, which has no sentence tokens.
    Some kinds of model want a number for those."""
    if isinstance(config, str):
        config = _config_of(config, search)
    types = {field.name: field.type for field in fields(CONFIG_MAPPING[config["model_type"]])}
    none = {key: None for key in _SENTENCES if not list(type_problems(key, types.get(key, Any), None))}
    of_data = {**none, "vocab_size": vocabulary.size, "pad_token_id": vocabulary.pad_id}
    return AutoConfig.for_model(**{**of_data, **config})


def _config_of(name: str, search: Sequence[Path]) -> dict[str, Any]:
    """Reads the architecture of the model in a folder, or of an id. Raises JepaError for an unknown kind of model."""

    def load(source: str, local: bool) -> Any:
        return AutoConfig.from_pretrained(source, local_files_only=local, trust_remote_code=False)

    config = _found(name, search, load).get_text_config(decoder=True)
    known = {field.name for field in fields(config)} - {*_SENTENCES, *_NOT_THE_ARCHITECTURE}
    return {key: value for key, value in config.to_dict().items() if key in known} | {"model_type": config.model_type}


def _train_all_rows(model: nn.Module) -> None:
    """Lets the row of the padding token train too: it may be a word of the data, and padding is known by its place."""
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            module.padding_idx = None
