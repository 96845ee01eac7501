"""The model of a recipe: from a config, or pretrained."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.models.auto.configuration_auto import CONFIG_MAPPING

from jepa_core.errors import JepaError
from jepa_core.model.from_folder import Misfit, read_model
from jepa_core.model.hub import HubError, find_or_id, load_local_or_hub
from jepa_core.model.new_tokens import add_rows, rows_of
from jepa_core.registry.options import type_problems
from jepa_core.samples.token_names import TokenNames

if TYPE_CHECKING:
    from jepa_core.recipe.schema import ModelSection

_SENTENCES = ("bos_token_id", "eos_token_id")


def build_model(section: ModelSection, vocabulary: TokenNames, search: Sequence[Path] = (Path(),)) -> Any:
    """A causal language model with room for the vocabulary, in training mode.

    A pretrained model whose embedding has too few rows gets more. search: the folders in which a pretrained one may
    lie. Raises JepaError when it can't be built.
    """
    dtype = getattr(torch, section.dtype)
    options = {"attn_implementation": section.attn_implementation, "dtype": dtype}
    try:
        if section.pretrained is None:
            config = _config(section.config or {}, vocabulary)
            model = AutoModelForCausalLM.from_config(config, trust_remote_code=False, **options)
        else:
            model = _pretrained(section.pretrained, search, options)
    except JepaError:
        raise
    except Exception as error:  # a damaged file, no network, a size that the model refuses: anything
        where = f" {section.pretrained}" if section.pretrained else ""
        raise JepaError(f"model{where}: {_told(error)}") from error
    if section.pretrained is not None:
        _give_rows(model, vocabulary)
    _train_all_rows(model)
    return model.train()


def _pretrained(name: str, search: Sequence[Path], options: dict[str, Any]) -> Any:
    def load(local: bool) -> Any:
        try:
            return read_model(AutoModelForCausalLM, source, local_files_only=local, **options)
        except Misfit as error:  # the Hub has no others
            return error

    try:
        source = find_or_id(name, tuple(search))
        model = load_local_or_hub(source, load)
    except HubError as error:
        raise JepaError(f"model {error}") from error
    if isinstance(model, Misfit):
        raise JepaError(f"model {name}: its weights do not fit its configuration: {model}") from model
    return model


def _give_rows(model: Any, vocabulary: TokenNames) -> None:
    """Rows for the tokens that the data adds to those of a pretrained model; it may say which these are."""
    known = vocabulary.marked.get("base_tokens", rows_of(model))
    add_rows(model, range(known, vocabulary.size), known)


def _told(error: Exception) -> str:
    """In one line; code of a model's own is not run, and nobody is asked."""
    if "trust_remote_code" in str(error):
        return "it needs code of its own, which is not run here: its kind of model is none of transformers'"
    if "scaled_dot_product_attention" in str(error):
        return "this kind of model has no sdpa attention; set model.attn_implementation: eager"
    return " ".join(str(error).split()) or type(error).__name__


def _config(config: dict[str, Any], vocabulary: TokenNames) -> Any:
    """The recipe's config; the data sets the vocabulary, which has no sentence tokens. Some kinds want a number for
    those."""
    types = {field.name: field.type for field in fields(CONFIG_MAPPING[config["model_type"]])}
    none = {key: None for key in _SENTENCES if not list(type_problems(key, types.get(key, Any), None))}
    return AutoConfig.for_model(**{**none, "vocab_size": vocabulary.size, "pad_token_id": vocabulary.pad_id, **config})


def _train_all_rows(model: nn.Module) -> None:
    """An embedding takes no gradient for the row of its padding token, which may be a word of the data. Padding is
    told by its place here, so that row needs no care."""
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            module.padding_idx = None
