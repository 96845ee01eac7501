"""Checks by its files that a folder can be a recipe's pretrained model, before a library tries to make sense of them,
and without the network."""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from jepa_core.errors import show
from jepa_core.paths import at_home
from jepa_core.recipe.model_config import type_problem
from jepa_core.recipe.weight_files import WHOLE, Odd, check_weights, in_other_form, read_object

CONFIG, ADAPTER, GENERATION = "config.json", "adapter_config.json", "generation_config.json"
_DTYPES = ("float32", "float16", "bfloat16", "float64", "auto")
#: Keys of a configuration that say that its weights are no longer numbers to be trained.
_QUANTIZED = ("quantization_config", "compression_config")
#: Files and folders that tell what a folder without a configuration is, and where the model would be.
_OTHER_FOLDERS = {
    "recipe.resolved.yaml": "is the folder of a run; its model is in {folder}/model",
    "snapshots": "is a folder of the Hugging Face cache; models are in the folders of {folder}/snapshots",
}


def place_of(name: str, search: Sequence[Path]) -> Path | None:
    """Finds `name` in the first of the `search` folders that has it, if only as a link that leads nowhere."""
    places = (folder / at_home(name) for folder in search)
    return next((place for place in places if os.path.lexists(place)), None)


def folder_problem(folder: Path, known: Collection[str], weights: bool = True) -> str:
    """Tells what keeps a folder from being a causal language model to start from; empty where nothing is seen.

    known: the types of such models; weights: whether they are to be read too, or the configuration alone.
    """
    try:
        _refuse_no_folder(folder)
        if weights:
            _refuse_adapter(folder)
        config = _config(folder)
        inner = config.get("text_config")
        _refuse_kind(folder, inner if isinstance(inner, dict) and not weights else config, known)
        if weights:
            _refuse_quantized(folder, config)
            _refuse_dtype(folder, config)
            _refuse_generation(folder)
            check_weights(folder)
    except Odd as odd:
        return str(odd)
    except OSError as error:
        return f"{error.filename or folder}: can't be read: {error.strerror}"
    return ""


def _refuse_no_folder(folder: Path) -> None:
    if folder.is_dir():
        return
    if not folder.exists():
        raise Odd(f"{folder}: is a link that leads nowhere")
    gguf = "; weights in GGUF can't be trained" if folder.suffix == ".gguf" else ""
    raise Odd(f"{folder}: is no folder; expected one with {CONFIG} and weights{gguf}")


def _refuse_adapter(folder: Path) -> None:
    """Raises Odd for one of peft's: transformers would put it on the model in the folder, or on one that it names."""
    if not os.path.lexists(folder / ADAPTER):
        return
    base = read_object(folder / ADAPTER).get("base_model_name_or_path")
    of = f" of {base}" if isinstance(base, str) and base else ""
    if os.path.lexists(folder / CONFIG):
        raise Odd(f"{folder}: holds an adapter{of} beside a model ({ADAPTER}): merge the two, or move the adapter away")
    raise Odd(
        f"{folder}: is an adapter{of} ({ADAPTER}), no whole model: give that as model.pretrained, or merge the two "
        "first, with peft's merge_and_unload, or jepa-run export --merge for a run's"
    )


def _config(folder: Path) -> dict[str, Any]:
    if os.path.lexists(folder / CONFIG):
        return read_object(folder / CONFIG)
    for name, words in _OTHER_FOLDERS.items():
        if (folder / name).exists():
            raise Odd(f"{folder}: {words.format(folder=folder)}")
    whole = "" if os.path.lexists(folder / WHOLE) else in_other_form(folder)
    raise Odd(f"{folder}: has no {CONFIG}; expected the folder of a Hugging Face model{whole}")


def _refuse_kind(folder: Path, config: Mapping[str, Any], known: Collection[str]) -> None:
    own_code = "; it needs code of its own (auto_map), which is never run here" if config.get("auto_map") else ""
    for _, words in type_problem(config.get("model_type"), known):
        raise Odd(f"{folder / CONFIG}: model_type: {words}{own_code}")


def _refuse_quantized(folder: Path, config: Mapping[str, Any]) -> None:
    inner = config.get("text_config")
    for where in (config, inner if isinstance(inner, dict) else {}):
        for key in _QUANTIZED:
            if where.get(key) is not None:
                raise Odd(f"{folder / CONFIG}: {quantized(where[key], key)}")


def _refuse_dtype(folder: Path, config: Mapping[str, Any]) -> None:
    for key in ("dtype", "torch_dtype"):
        value = config.get(key)
        if isinstance(value, str) and value.removeprefix("torch.") not in _DTYPES:
            raise Odd(f"{folder / CONFIG}: {key}: '{value}' is no type of weights; expected {', '.join(_DTYPES)}")


def _refuse_generation(folder: Path) -> None:
    """Raises Odd for ids of tokens that are none: those of ends are told to ``generate`` again, with ours."""
    path = folder / GENERATION
    if not os.path.lexists(path):
        return
    for key, value in read_object(path).items():
        ids = value if isinstance(value, list) and key != "pad_token_id" else [value]
        if key.endswith("_token_id") and any(type(each) is not int for each in ids if each is not None):
            raise Odd(f"{path}: {key}: expected the id of a token, not {show(value)}")


def quantized(settings: object, key: str = _QUANTIZED[0]) -> str:
    """Tells why a model with these settings is refused."""
    method = settings.get("quant_method") if isinstance(settings, dict) else None
    by = f" by {json.dumps(method)}" if isinstance(method, str) else ""
    return f"its weights are quantized{by} ({key}), and can't be trained here; give the model with its full weights"
