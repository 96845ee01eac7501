"""The model of a recipe: from a config, or pretrained."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import nn
from transformers import CONFIG_MAPPING, AutoConfig, AutoModelForCausalLM
from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

from jepa_core.errors import JepaError, one_line
from jepa_core.model.adapters import add_adapters
from jepa_core.model.ends import force_no_token, say_what_ends
from jepa_core.model.from_folder import Misfit, quietly, read_model
from jepa_core.model.hub import HubError, find_or_id, load_local_or_hub
from jepa_core.model.new_tokens import add_rows, first_new, note_rows
from jepa_core.model.rereading import keep_when_read
from jepa_core.recipe.model_config import loaded_problems
from jepa_core.recipe.model_folder import folder_problem, place_of, quantized
from jepa_core.recipe.weight_files import weight_bytes
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
    keep_when_read(model)
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

    config = _config_loaded(name, search, weights=True)
    _refuse_few_weights(name, search, config)
    model = _found(name, search, load)
    if isinstance(model, Misfit):
        raise JepaError(f"model {name}: its weights do not fit its configuration: {model}") from model
    if problem := _unfit(model):
        raise JepaError(f"model {name}: {problem}")
    return model


def _config_loaded(name: str, search: Sequence[Path], weights: bool) -> Any:
    """Reads the configuration of a folder or an id. Raises JepaError for sizes that can't be. weights:
    whether they are read too."""

    def load(source: str, local: bool) -> Any:
        with quietly():
            return AutoConfig.from_pretrained(source, local_files_only=local, trust_remote_code=False)

    config = _found(name, search, load, weights)
    if problems := loaded_problems(config.get_text_config(decoder=True)):
        raise JepaError(f"model {name}: {'; '.join(problems)}")
    return config


def _refuse_few_weights(name: str, search: Sequence[Path], config: object) -> None:
    """Raises JepaError where a folder's weights are far too few for its configuration, which would fill the memory
    with new ones before it is told what is missing."""
    folder = place_of(name, search)
    if folder is None:
        return
    with quietly(), torch.random.fork_rng(devices=[]), torch.device("meta"):
        model = AutoModelForCausalLM.from_config(config, trust_remote_code=False, attn_implementation="eager")
    wanted, there = sum(p.numel() for p in model.parameters()), weight_bytes(folder)
    if wanted > there:
        raise JepaError(
            f"model {name}: its weights do not fit its configuration: that makes a model of {wanted:,} weights, and "
            f"its files hold {there:,} bytes"
        )


def _unfit(model: Any) -> str:
    """Tells what keeps a model from being trained that transformers could load; empty where nothing does. Of a folder
    the first two were seen before."""
    if getattr(model, "_hf_peft_config_loaded", False):
        return "is an adapter, no whole model: give the model that it adapts, or merge the two first"
    if settings := getattr(model.config, "quantization_config", None):
        return quantized(settings if isinstance(settings, dict) else settings.to_dict())
    if model.config.is_encoder_decoder:
        return "its configuration makes it an encoder and a decoder (is_encoder_decoder), and only the latter is here"
    if apart := sorted(model.get_expanded_tied_weights_keys(all_submodels=True).keys() - model.all_tied_weights_keys):
        return (
            f"its configuration says that {apart[0]} is tied to another weight, and its files hold two that differ: "
            "set tie_word_embeddings to false in config.json to keep both"
        )
    broken = [name for name, p in model.named_parameters() if p.numel() and not _finite(p)]
    more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
    return f"its weights are not all finite numbers ({broken[0]}{more})" if broken else ""


@torch.no_grad()
def _finite(values: torch.Tensor) -> bool:
    return all(bool(extreme.isfinite()) for extreme in values.aminmax())


def _found(name: str, search: Sequence[Path], load: Callable[[str, bool], Any], weights: bool = True) -> Any:
    """Calls ``load(source, local)`` for a folder or an id; returns the result. local: whether to keep off the Hub;
    weights: whether they are read too."""
    try:
        source = find_or_id(name, tuple(search))
        if os.path.lexists(source):
            refuse_folder(Path(source), weights)
        return load_local_or_hub(source, partial(load, source))
    except HubError as error:
        raise JepaError(f"model {error}") from error


def refuse_folder(folder: Path, weights: bool) -> None:
    """Raises JepaError for one that is no model to start from. weights: or only a configuration."""
    known = [name for name in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES if name in CONFIG_MAPPING]
    if problem := folder_problem(folder, known, weights):
        raise JepaError(problem)


def _told(error: Exception) -> str:
    """Tells an error in one line; code of a model's own is not run, and nobody is asked to allow it."""
    if found := re.search(r"Unrecognized configuration class <class '[\w.]*?(\w+)'>", str(error)):
        return f"{found[1]} is the configuration of no causal language model"
    if "Weights only load failed" in str(error):
        return "a file in it holds more than tensors, and nothing else is ever read; save it again as safetensors"
    if "PytorchStreamReader" in str(error):
        return "a file of its weights is damaged"
    if isinstance(error, NotImplementedError) and "Meta tensors" in str(error):
        return "its weights do not fit one another: two that should be one are of other shapes"
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
    config = _config_loaded(name, search, weights=False).get_text_config(decoder=True)
    known = {field.name for field in fields(config)} - {*_SENTENCES, *_NOT_THE_ARCHITECTURE}
    return {key: value for key, value in config.to_dict().items() if key in known} | {"model_type": config.model_type}


def _train_all_rows(model: nn.Module) -> None:
    """Lets the row of the padding token train too: it may be a word of the data, and padding is known by its place."""
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            module.padding_idx = None
