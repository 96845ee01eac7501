"""Checks that transformers reads a model's weights as they were saved; some kinds change a few at each reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from jepa_core.errors import JepaError

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: The mark that transformers puts on weights it has read, so that they are not made anew.
_READ = "_is_hf_initialized"


def keep_when_read(model: PreTrainedModel) -> None:
    """Makes sure that the model, saved, is read as it was.

    Kinds that make the row of their padding token zero again at each reading (Youtu) lose that token's id from their
    configuration: padding is told by its place here. Raises JepaError where that does not help.
    """
    if changed_when_read(model) is None:
        return
    model.config.get_text_config(decoder=True).pad_token_id = None
    for module in model.modules():
        if isinstance(module, nn.Embedding):
            module.padding_idx = None
    if name := changed_when_read(model):
        raise JepaError(
            f"{type(model).__name__}: transformers changes {name} whenever it reads this kind of model, so that no run "
            "could be read back as it was saved"
        )


@torch.no_grad()
def changed_when_read(model: PreTrainedModel) -> str | None:
    """Names a weight that transformers would change after it read it; None where there is none. Tried on one module of
    each class, whose weights stay."""
    tried = set()
    weights = {id(weight): weight for weight in model.state_dict(keep_vars=True).values()}  # tied ones once
    marked = [weight for weight in weights.values() if not hasattr(weight, _READ)]
    for weight in marked:
        setattr(weight, _READ, True)
    try:
        for name, module in list(model.named_modules())[1:]:
            kind = (type(module), getattr(module, "padding_idx", None) is None)
            if kind not in tried and (found := _changed(model, module)):
                return f"{name}.{found}".removeprefix(".")
            tried.add(kind)
        return None
    finally:
        for weight in marked:
            delattr(weight, _READ)


def _changed(model: PreTrainedModel, module: nn.Module) -> str | None:
    """Names a weight of a module, or of one right within it, that is made anew although it was read."""
    within = dict(module.named_children())
    near = {
        f"{n}.{name}": weight for n, part in within.items() for name, weight in part.named_parameters(recurse=False)
    }
    near |= dict(module.named_parameters(recurse=False))
    before = {name: weight.clone() for name, weight in near.items()}
    for weight in {id(weight): weight for weight in near.values()}.values():
        weight.add_(1)  # or a new model holds already what would be put there
    moved = {name: weight.clone() for name, weight in near.items()}
    try:
        with torch.random.fork_rng(devices=[]):
            model._init_weights(module)
    except Exception:  # code of 200 kinds of models, some of which expects to be called on certain modules only
        pass
    changed = [name for name, weight in near.items() if not torch.equal(weight, moved[name])]
    for name, weight in near.items():
        weight.copy_(before[name])
    return changed[0] if changed else None
