"""The model of a recipe: from a config, or pretrained."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from jepa_core.errors import JepaError
from jepa_core.model.new_tokens import add_rows, rows_of
from jepa_core.samples.token_names import TokenNames

if TYPE_CHECKING:
    from jepa_core.recipe.schema import ModelSection


def build_model(section: ModelSection, vocabulary: TokenNames) -> Any:
    """A causal language model with room for the vocabulary, in training mode.

    A pretrained model whose embedding has too few rows gets more. Raises JepaError when it can't be built.
    """
    dtype = getattr(torch, section.dtype)
    options = {"attn_implementation": section.attn_implementation, "dtype": dtype}
    try:
        if section.pretrained is None:
            model = AutoModelForCausalLM.from_config(_config(section.config or {}, vocabulary), **options)
        else:
            model = AutoModelForCausalLM.from_pretrained(section.pretrained, **options)
    except Exception as error:  # a damaged file, no network, a size that the model refuses: anything
        where = f" {section.pretrained}" if section.pretrained else ""
        raise JepaError(f"model{where}: {error}") from error
    if section.pretrained is not None:
        _give_rows(model, vocabulary)
    return model.train()


def _give_rows(model: Any, vocabulary: TokenNames) -> None:
    """Rows for the tokens that the data adds to those of a pretrained model; it may say which these are."""
    known = vocabulary.marked.get("base_tokens", rows_of(model))
    add_rows(model, range(known, vocabulary.size), known)


def _config(config: dict[str, Any], vocabulary: TokenNames) -> Any:
    """The recipe's config; the data sets the vocabulary, which has no sentence tokens."""
    from_data = {"vocab_size": vocabulary.size, "pad_token_id": vocabulary.pad_id}
    return AutoConfig.for_model(**{"bos_token_id": None, "eos_token_id": None, **from_data, **config})
