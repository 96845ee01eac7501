"""The recipe's section ``model``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from jepa_core.paths import at_home
from jepa_core.recipe.defaults import DEFAULTS
from jepa_core.registry.section import Conflict, Section

#: Keys of QLoRA, which keeps weights in 4 or 8 bits below the adapters.
_QUANTIZATION = ("qlora", "load_in_4bit", "load_in_8bit", "quantization", "quantization_config", "bnb_4bit_quant_type")


class LoraSection(Section):
    """Adapters of low rank: only they are trained, and the rows of new tokens."""

    r: int = Field(8, ge=1, le=65536, description="Rank of the adapters.")
    alpha: float = Field(16.0, gt=0, allow_inf_nan=False, description="What the adapters add is scaled by alpha / r.")
    dropout: float = Field(0.0, ge=0, lt=1, description="Share of an adapter's inputs that is dropped in training.")
    target_modules: Literal["all-linear"] | Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = (
        Field(None, description="Names of the matrices that get one, or all-linear; null: peft's for this model.")
    )
    modules_to_save: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        (), description="Names of modules that are trained as a whole beside them."
    )

    @model_validator(mode="before")
    @classmethod
    def _no_quantization(cls, data: object) -> object:
        _refuse_quantization(data)
        return data


def _refuse_quantization(data: object) -> None:
    if found := [key for key in _QUANTIZATION if isinstance(data, dict) and key in data]:
        why = (
            "QLoRA needs a GPU and bitsandbytes, and is not done here; dtype: bfloat16 halves the memory of the frozen "
            "weights"
        )
        raise Conflict(*((key, why) for key in found))


class ModelSection(Section):
    """The language model: made new from a configuration, or a pretrained one."""

    config: dict[str, Any] | Annotated[str, AfterValidator(at_home), Field(min_length=1)] | None = Field(
        None,
        description="model_type and more keys of a transformers configuration, or a folder or Hugging Face id whose "
        "configuration is taken, with new weights; the data sets vocab_size.",
    )
    pretrained: Annotated[str, AfterValidator(at_home)] | None = Field(
        None, min_length=1, description="Folder or Hugging Face id of a causal LM to start from."
    )
    attn_implementation: Literal["sdpa", "eager"] = Field(
        "sdpa", description="Attention kernel; eager is slower and takes the same masks."
    )
    dtype: Literal["float32", "bfloat16"] = Field(
        "float32", description="Type of the weights; for mixed precision keep float32 and set training.bf16."
    )
    lora: LoraSection | None = Field(
        None, description="Trains adapters of low rank in a pretrained model, which itself stays; null: all of it."
    )

    @model_validator(mode="before")
    @classmethod
    def _default_config(cls, data: object) -> object:
        _refuse_quantization(data)
        if isinstance(data, dict) and data.get("config") is None and data.get("pretrained") is None:
            return {**data, "config": dict(DEFAULTS["model", "config"])}
        return data

    @model_validator(mode="after")
    def _one_of_both(self) -> ModelSection:
        if self.config is not None and self.pretrained is not None:
            raise Conflict(("pretrained", "give either config or pretrained, the other null"))
        if self.lora is not None and self.pretrained is None:
            raise Conflict(("lora", "adapts a pretrained model, and this one is made new: set pretrained"))
        return self
