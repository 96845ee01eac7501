"""Checks ``model.config`` against the configuration class of its model type.

transformers takes a misspelt key in silence, so every key is looked up among the class's fields here.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from psutil import virtual_memory

from jepa_core.errors import did_you_mean, one_line
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
    "vocab_size": 1_000_000_000,
}
#: What some kinds say of positions without end.
_NO_LIMIT = -1
_ACTIVATIONS = ("activation_function", "hidden_act", "hidden_activation")
#: Other ways to write rope_parameters, which every configuration that has those still takes.
_ROPE = {"rope_theta": float, "rope_scaling": dict[str, Any] | None, "partial_rotary_factor": float}
#: Keys that the code of many models reads though their configuration class does not name them.
_READ = {"head_dim": int | None}
_EXPERTS = ("num_local_experts", "num_experts", "n_routed_experts", "moe_num_experts")
_REFUSED = {
    "add_cross_attention": "attends to an encoder, and there is none here",
    "is_encoder_decoder": "makes it an encoder and a decoder, which a causal language model is not",
}

Found = Iterator[tuple[KeyPath, str]]


@dataclass(frozen=True)
class ConfigKind:
    """The keys of a type of model. types: name -> type; aliases: common name -> own name; activations: known names."""

    model_type: str
    types: Mapping[str, Any]
    aliases: Mapping[str, str]
    activations: Collection[str]

    @property
    def aliased(self) -> dict[str, str]:
        """The aliases whose own name is among the keys."""
        return {name: own for name, own in self.aliases.items() if own in self.types}


def config_problems(config: Mapping[str, Any]) -> list[tuple[KeyPath, str]]:
    """Lists the wrong keys of a model configuration with the reason; the path () means the whole of it."""
    from transformers.activations import ACT2FN
    from transformers.models.auto.configuration_auto import CONFIG_MAPPING
    from transformers.models.auto.modeling_auto import MODEL_FOR_CAUSAL_LM_MAPPING_NAMES

    model_type = config.get("model_type")
    known = [name for name in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES if name in CONFIG_MAPPING]
    if wrong := type_problem(model_type, known):
        return wrong
    config_class = CONFIG_MAPPING[str(model_type)]
    parts = getattr(config_class, "sub_configs", None) or {}
    if {"text_config", "decoder"} & parts.keys():
        inner = getattr(parts.get("text_config"), "model_type", "")
        return [(("model_type",), more_than_text(str(model_type), inner))]
    kind = ConfigKind(str(model_type), _field_types(config_class), config_class.attribute_map, ACT2FN.keys())
    given = {key: value for key, value in config.items() if key != "model_type"}
    return key_problems(kind, given) or [*_whole(config_class, given, kind.types)]


def type_problem(model_type: object, known: Collection[str]) -> list[tuple[KeyPath, str]]:
    """Lists the problem with a model type; empty where it is one of the `known`."""
    if not isinstance(model_type, str):
        return [(("model_type",), "is missing or no text; expected gpt2, llama or another type of model")]
    if model_type not in known:
        hint = did_you_mean(model_type, known)
        return [(("model_type",), f"'{model_type}' is no type of causal language model{hint}")]
    return []


def key_problems(kind: ConfigKind, given: Mapping[str, Any]) -> list[tuple[KeyPath, str]]:
    """Lists the problems with single keys."""
    return [*_keys(kind, given), *_sizes(kind, given), *_activations(kind, given), *_balance(given)]


def more_than_text(model_type: str, inner: str) -> str:
    """The refusal of a model that holds more than a language model. inner: the type to name instead."""
    return f"'{model_type}' is more than a language model" + (f"; '{inner}' is the one in it" if inner else "")


def _keys(kind: ConfigKind, given: Mapping[str, Any]) -> Found:
    """Yields keys that are unknown, set elsewhere, given under both of their names, or of a wrong type."""
    aliased = kind.aliased
    for key, value in given.items():
        own = aliased.get(key, key)
        if key in _SET_ELSEWHERE:
            yield (key,), f"not here: {_SET_ELSEWHERE[key]}"
        elif key in _REFUSED and value:
            yield (key,), _REFUSED[key]
        elif own not in kind.types:
            hint = did_you_mean(key, [*kind.types, *aliased])
            yield (key,), f"unknown key of a {kind.model_type} configuration{hint}"
        elif own != key and own in given:
            yield (key,), f"is another name for {own}, which is given too"
        else:
            yield from (((name,), words) for name, words in type_problems(key, kind.types[own], value))


def _field_types(config_class: Any) -> dict[str, Any]:
    """The types of this kind of model's own fields, without those that all configurations share."""
    from transformers import PreTrainedConfig

    shared = {field.name for field in fields(PreTrainedConfig)}
    types = {field.name: field.type for field in fields(config_class) if field.name not in shared}
    spec = find_spec(config_class.__module__.rpartition(".")[0])
    return with_unnamed(types, list(spec.submodule_search_locations or ()) if spec else [])


def with_unnamed(types: Mapping[str, Any], folders: Iterable[str]) -> dict[str, Any]:
    """Adds keys that the model's code reads though its class has no such field. folders: of the model's code."""
    roped = {**_ROPE, **types} if "rope_parameters" in types else dict(types)
    return {**{key: of for key, of in _READ.items() if _is_read(folders, key)}, **roped}


def _is_read(folders: Iterable[str], key: str) -> bool:
    """Tells whether the model's code looks the key up; it is read as text, because importing it takes seconds."""
    code = [path.read_text(encoding="utf-8") for folder in folders for path in Path(folder).glob("modeling_*.py")]
    return any(re.search(rf"""config\.{key}\b|config, ["']{key}["']""", text) for text in code)


def _sizes(kind: ConfigKind, given: Mapping[str, Any]) -> Found:
    """Yields sizes out of all reason, which would end in a strange error or fill the memory."""
    for common, largest in _SIZES.items():
        for key in {common, kind.aliases.get(common, common)} & set(given):
            if type(given[key]) is int and not 1 <= given[key] <= largest:
                yield (key,), f"expected a number from 1 to {largest}, not {given[key]}"


def _activations(kind: ConfigKind, given: Mapping[str, Any]) -> Found:
    for key in _ACTIVATIONS:
        value = given.get(key)
        if isinstance(value, str) and value not in kind.activations:
            yield (key,), f"unknown activation '{value}'{did_you_mean(value, kind.activations)}"


def _balance(given: Mapping[str, Any]) -> Found:
    """Yields the weight of a router loss that is not computed."""
    if given.get("router_aux_loss_coef") and not given.get("output_router_logits"):
        yield ("router_aux_loss_coef",), "has no effect without output_router_logits: true"


def _whole(config_class: Any, given: Mapping[str, Any], types: Collection[str]) -> Found:
    """Yields what the class refuses in keys that are fine one by one, and conflicts it leaves to its model."""
    try:
        config = config_class(**given)
    except Exception as error:  # configuration classes of 200 models raise what they like
        yield (), f"not a {config_class.model_type} configuration: {one_line(error.__cause__ or error)}"
        return
    yield from sizes_together(config, given, types)


def loaded_problems(config: Any) -> list[str]:
    """Tells what is wrong with the sizes of a configuration that somebody saved."""
    given = config.to_dict()
    from transformers.activations import ACT2FN

    values = {name: value for name in (*_SIZES, *_ACTIVATIONS) if (value := _value(config, name)) != _NO_LIMIT}
    kind = ConfigKind(config.model_type, given, {}, ACT2FN.keys())
    problems = [*_sizes(kind, values), *_activations(kind, values)] or [*sizes_together(config, given, given)]
    return [f"{path[-1]}: {words}" if path else words for path, words in problems]


def sizes_together(config: object, given: Mapping[str, Any], types: Collection[str]) -> Found:
    """Yields sizes that do not go together. config: an object with all values as attributes."""
    yield from _room(config, given)
    yield from _heads(config, given, types)
    yield from _experts(config)


def _room(config: object, given: Mapping[str, Any]) -> Found:
    """Yields layers and rows of tokens that don't fit this machine's memory, counting one matrix of width squared for
    each layer."""
    width, layers = (getattr(config, name, None) for name in ("hidden_size", "num_hidden_layers"))
    if type(width) is not int or type(layers) is not int:
        return
    rows = given.get("vocab_size")
    rows = rows if type(rows) is int else 0
    words = f" and {rows:,} tokens" if rows else ""
    least, memory = 4 * (width**2 * layers + rows * width), virtual_memory().total
    if least > memory:
        yield (
            (),
            f"{layers:,} layers of width {width:,}{words} have {least / 1e9:,.0f} GB of weights at the least, and this "
            f"machine has {memory / 1e9:,.0f} GB of memory",
        )


def _heads(config: Any, given: Mapping[str, Any], types: Collection[str]) -> Found:
    """Yields heads that don't divide the width, or can't share their keys and values evenly."""
    names = ("hidden_size", "num_attention_heads", "num_key_value_heads")
    width, heads, shared = (_number(config, name) for name in names)
    if width and heads and "head_dim" not in types and width % heads:
        yield (), f"{heads} heads don't divide a width of {width}"
    if heads and shared and heads % shared:
        default = "" if "num_key_value_heads" in given else f", the default of {config.model_type}"
        yield (
            ("num_key_value_heads",) if not default else (),
            f"{heads} heads (num_attention_heads) can't share {shared} for keys and values (num_key_value_heads"
            f"{default}) evenly: give one that divides {heads}",
        )


def _number(config: object, name: str) -> int:
    """A whole number of a configuration; 0 where it has none."""
    value = _value(config, name)
    return value if type(value) is int else 0


def _value(config: object, name: str) -> Any:
    try:
        return getattr(config, name, None)
    except Exception:  # of a type whose layers differ, transformers refuses with an error of its own
        return None


def _experts(config: object) -> Found:
    """Yields a number of experts a token that exceeds the experts there are."""
    chosen = getattr(config, "num_experts_per_tok", None)
    there = next((n for name in _EXPERTS if type(n := getattr(config, name, None)) is int), None)
    if type(chosen) is int and there is not None and chosen > there > 0:
        yield (), f"{chosen} experts for a token (num_experts_per_tok), and there are {there}"
