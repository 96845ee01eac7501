"""LoRA: small trained matrices beside the frozen ones of a pretrained model, by peft (Hu et al., arXiv 2106.09685).

The adapters go into the model in place, so references to the model, its layers and its embeddings stay valid. peft's
own wrapper is kept with the model, for saving and merging.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from jepa_core.errors import JepaError, one_line

if TYPE_CHECKING:
    from transformers import PreTrainedModel

    from jepa_core.recipe.model_section import LoraSection

#: The files that peft writes.
CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_WRAPPER = "_jepa_peft_model"


def add_adapters(model: PreTrainedModel, lora: LoraSection, new_ids: Sequence[int] = ()) -> None:
    """Puts adapters into `model`: from now on it trains only these, and the embedding rows of the tokens `new_ids`.

    Raises JepaError without peft, and for modules that the model does not have.
    """
    peft = _peft()
    config = peft.LoraConfig(
        task_type="CAUSAL_LM",
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.target_modules if isinstance(lora.target_modules, str | None) else [*lora.target_modules],
        modules_to_save=list(lora.modules_to_save) or None,
        fan_in_fan_out=any(type(module).__name__ == "Conv1D" for module in model.modules()),
        trainable_token_indices=_trained_rows(model, new_ids, lora.modules_to_save) or None,
    )
    try:
        with warnings.catch_warnings(action="ignore", category=FutureWarning):  # about peft's calls to transformers
            wrapper = peft.get_peft_model(model, config)
    except (ValueError, TypeError, KeyError, AttributeError, NotImplementedError) as error:  # many kinds of check
        raise JepaError(f"model.lora: {one_line(error)}") from error
    wrapper.peft_config["default"].base_model_name_or_path = _whole_name(model.name_or_path)
    model.__dict__[_WRAPPER] = wrapper  # past nn.Module, which would hold it as a module within itself


def has_adapters(model: PreTrainedModel) -> bool:
    return _WRAPPER in model.__dict__


def save_adapters(model: PreTrainedModel, folder: Path, state: dict[str, Tensor] | None = None) -> None:
    """Writes everything trained, and a configuration that names the pretrained model, as peft does. state: the model's
    whole one, where this process has only a part."""
    state = state and {f"base_model.model.{name}": tensor for name, tensor in state.items()}
    _wrapper(model).save_pretrained(folder, save_embedding_layers=False, state_dict=state)
    (folder / "README.md").unlink(missing_ok=True)  # an empty form


def adapter_state(model: PreTrainedModel) -> dict[str, Tensor]:
    """The tensors that :func:`save_adapters` writes, under the names in the file."""
    state: dict[str, Tensor] = _peft().get_peft_model_state_dict(_wrapper(model), save_embedding_layers=False)
    return state


def load_adapters(model: PreTrainedModel, state: dict[str, Tensor]) -> None:
    """Puts back, in place, an :func:`adapter_state` of these names and shapes."""
    _peft().set_peft_model_state_dict(_wrapper(model), state)


def merge_adapters(model: PreTrainedModel) -> PreTrainedModel:
    """Merges the adapters into the weights, and returns the plain model. Changes `model`."""
    wrapper = model.__dict__.pop(_WRAPPER)
    merged = wrapper.merge_and_unload(safe_merge=True)
    if getattr(merged, "peft_config", None) is not None:
        del merged.peft_config
    return merged.requires_grad_(True)


def _trained_rows(model: PreTrainedModel, new_ids: Sequence[int], whole: Sequence[str]) -> dict[str, list[int]]:
    """Module -> the rows to train in it, for both embeddings, tied or not, but not in modules trained as a `whole`."""
    if not new_ids:
        return {}
    embedding, output = model.get_input_embeddings(), model.get_output_embeddings()
    if getattr(output, "bias", None) is not None:  # peft leaves it out where it trains rows
        raise JepaError("model.lora: new tokens can't be trained in this model, whose output embedding has a bias")
    tied = output is None or output.weight is embedding.weight
    names = {id(module): name for name, module in model.named_modules()}
    found = [names[id(module)] for module in ([embedding] if tied else [embedding, output])]
    return {name: list(new_ids) for name in found if not any(_ends(name, end) for end in whole)}


def _ends(name: str, end: str) -> bool:
    return name == end or name.endswith(f".{end}")


def _whole_name(source: str | None) -> str | None:
    """The whole path of a folder, so that it can be read from anywhere; an id of the Hub stays one."""
    return str(Path(source).resolve()) if source and Path(source).exists() else source


def _wrapper(model: nn.Module) -> Any:
    return model.__dict__[_WRAPPER]


def _peft() -> Any:
    try:
        import peft
    except ImportError as error:
        raise JepaError(f"model.lora needs peft ({error}): install the extra, pip install 'jepa-core[lora]'") from error
    return peft
