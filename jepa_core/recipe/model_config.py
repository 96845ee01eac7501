"""Checks ``model.config`` against the configuration class of its model type.

transformers takes a misspelt key in silence, so every key is looked up among the class's fields here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any

from jepa_core.errors import did_you_mean
from jepa_core.registry.options import type_problems
from jepa_core.registry.places import KeyPath

_SET_ELSEWHERE = {
    "vocab_size": "the data sets it",
    "bos_token_id": "the data sets it",
    "eos_token_id": "the data sets it",
    "pad_token_id": "the data sets it",
    "dtype": "set model.dtype",
    "torch_dtype": "set model.dtype",
    "attn_implementation": "set model.attn_implementation",
    "use_cache": "training and evaluation set it",
}
_SIZES = {  # common name -> the largest that can be meant
    "hidden_size": 1_000_000,
    "num_hidden_layers": 10_000,
    "num_attention_heads": 10_000,
    "max_position_embeddings": 1_000_000_000,
}
_ACTIVATIONS = ("activation_function", "hidden_act", "hidden_activation")

Found = Iterator[tuple[KeyPath, str]]


def config_problems(config: Mapping[str, Any]) -> list[tuple[KeyPath, str]]:
    """Each key of a model configuration that is wrong, and why; a path of () is the whole."""
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    model_type = config.get("model_type")
    if not isinstance(model_type, str):
        return [(("model_type",), "is missing or no text; expected gpt2, llama or another type of model")]
    if model_type not in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES or model_type not in CONFIG_MAPPING:
        hint = did_you_mean(model_type, MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)
        return [(("model_type",), f"'{model_type}' is no type of causal language model{hint}")]
    given = {key: value for key, value in config.items() if key != "model_type"}
    config_class = CONFIG_MAPPING[model_type]
    problems = [*_keys(config_class, given), *_sizes(config_class, given), *_activations(given)]
    return problems or [*_heads(config_class, given)] or [*_whole(config_class, given)]


def _keys(config_class: Any, given: Mapping[str, Any]) -> Found:
    """Keys unknown, set elsewhere, given under both of their names, or of a wrong type."""
    types = _field_types(config_class)
    aliases = {name: own for name, own in config_class.attribute_map.items() if own in types}
    for key, value in given.items():
        own = aliases.get(key, key)
        if key in _SET_ELSEWHERE:
            yield (key,), f"not here: {_SET_ELSEWHERE[key]}"
        elif own not in types:
            hint = did_you_mean(key, [*types, *aliases])
            yield (key,), f"unknown key of a {config_class.model_type} configuration{hint}"
        elif own != key and own in given:
            yield (key,), f"is another name for {own}, which is given too"
        else:
            yield from (((name,), words) for name, words in type_problems(key, types[own], value))


def _field_types(config_class: Any) -> dict[str, Any]:
    """The fields that make up this kind of model; what all configurations share is no matter of a recipe."""
    from transformers import PreTrainedConfig

    shared = {field.name for field in fields(PreTrainedConfig)}
    types = {field.name: field.type for field in fields(config_class) if field.name not in shared}
    if "rope_parameters" in types:
        types["rope_theta"] = float  # still taken beside rope_parameters, and the way most people write it
    return types


def _sizes(config_class: Any, given: Mapping[str, Any]) -> Found:
    """Sizes that nobody means, which would end in a strange error or fill the memory."""
    for common, largest in _SIZES.items():
        for key in {common, config_class.attribute_map.get(common, common)} & set(given):
            if type(given[key]) is int and not 1 <= given[key] <= largest:
                yield (key,), f"expected a number from 1 to {largest}, not {given[key]}"


def _heads(config_class: Any, given: Mapping[str, Any]) -> Found:
    """A width that the heads don't divide, where the class leaves that to its model."""
    names = {common: config_class.attribute_map.get(common, common) for common in _SIZES}
    width, heads = (
        given.get(common, given.get(names[common], getattr(config_class, names[common], None)))
        for common in ("hidden_size", "num_attention_heads")
    )
    if width and heads and "head_dim" not in _field_types(config_class) and width % heads:
        yield (), f"{heads} heads don't divide a width of {width}"


def _activations(given: Mapping[str, Any]) -> Found:
    from transformers.activations import ACT2FN

    for key in _ACTIVATIONS:
        value = given.get(key)
        if isinstance(value, str) and value not in ACT2FN:
            yield (key,), f"unknown activation '{value}'{did_you_mean(value, ACT2FN)}"


def _whole(config_class: Any, given: Mapping[str, Any]) -> Found:
    """What the class itself says against keys that are fine one by one."""
    try:
        config_class(**given)
    except Exception as error:  # configuration classes of 200 models raise what they like
        cause = error.__cause__ or error
        yield (), f"not a {config_class.model_type} configuration: {cause}"
