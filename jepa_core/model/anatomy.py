"""The parts of a causal language model: its transformer, the layers in it, and what is read off them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import nn

from jepa_core.errors import ComponentError

if TYPE_CHECKING:
    from transformers import PreTrainedConfig, PreTrainedModel

#: Names that models have for the part of a layer that works on each token by itself.
_MLP_NAMES = ("mlp", "feed_forward", "block_sparse_moe", "ffn", "moe")

#: Names for the number of layers; where a decoder has a number of its own, the common name is the encoder's.
_LAYERS = ("decoder_layers", "num_decoder_layers", "num_hidden_layers")


@dataclass(frozen=True)
class Anatomy:
    """config: the text model's; base: the module that turns token ids into hidden states; path: its name in the model;
    blocks: its layers; output: the output embedding."""

    config: PreTrainedConfig
    base: nn.Module
    path: str
    blocks: list[nn.Module]
    output: nn.Module

    @classmethod
    def of(cls, model: PreTrainedModel) -> Anatomy:
        """Finds the parts of a model. Raises ComponentError where they can't be found."""
        name, config = type(model).__name__, model.config.get_text_config(decoder=True)
        output = model.get_output_embeddings()
        if output is None:
            raise ComponentError(f"{name}: has no output embedding, so it is no language model of one output")
        number = next((n for key in _LAYERS if (n := getattr(config, key, None))), None)
        found = {path: m for path, m in model.named_modules() if isinstance(m, nn.ModuleList) and len(m) == number}
        if not found:
            raise ComponentError(f"{name}: its {number} layers are not a list of modules, one after another")
        place = min(found, key=lambda path: path.count("."))
        path = _base_path(model, place)
        return cls(config, model.get_submodule(path), path, list(found[place]), output)

    @property
    def mlp(self) -> nn.Module | None:
        """The last layer's MLP; None where it has none of its own."""
        found = (getattr(self.blocks[-1], name, None) for name in _MLP_NAMES)
        return next((module for module in found if isinstance(module, nn.Module)), None)


def _base_path(model: PreTrainedModel, blocks: str) -> str:
    """The path of the model's own base where the layers are in it, else that of the child that they are in."""
    base = model.base_model
    if base is not model:
        path = next(path for path, module in model.named_modules() if module is base)
        if blocks.startswith(f"{path}."):
            return path
    return blocks.partition(".")[0]
