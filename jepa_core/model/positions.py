"""A model without its table of position embeddings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from jepa_core.errors import ComponentError
from jepa_core.model.evaluating import evaluating
from jepa_core.model.hooks import Hooks
from jepa_core.tensors import same

if TYPE_CHECKING:
    from transformers import PreTrainedModel

#: How often each table is forgotten, and whether it was trained before.
_FORGOTTEN: WeakKeyDictionary[nn.Embedding, tuple[int, bool]] = WeakKeyDictionary()


@torch.no_grad()
def position_tables(model: nn.Module, base: nn.Module) -> list[nn.Embedding]:
    """Finds the tables in which other rows are looked up when the position ids change and the tokens don't."""
    ids = torch.zeros(1, 3, dtype=torch.int64, device=next(model.parameters()).device)
    counting = torch.arange(3, device=ids.device)[None]
    with evaluating(model):
        first, second = (_looked_up(base, ids, positions) for positions in (counting, counting * 0))
    return [table for table, asked in first.items() if not same(asked, second[table])]


def _looked_up(base: nn.Module, ids: Tensor, positions: Tensor) -> dict[nn.Embedding, Any]:
    """Runs one pass; returns the rows that each table is asked for."""
    found: dict[nn.Embedding, Any] = {}
    hooks = Hooks()
    for module in base.modules():
        if isinstance(module, nn.Embedding):
            hooks.before(module, lambda table, args, kwargs: found.__setitem__(table, (args, kwargs)))
    try:
        base(input_ids=ids, position_ids=positions, use_cache=False)
    finally:
        hooks.remove()
    return found


def forget(table: nn.Embedding, hooks: Hooks) -> None:
    """Makes the table give zeros, be written as zeros and not be trained until the hooks are taken off. It keeps its
    own numbers all the while."""
    times, trained = _FORGOTTEN.get(table, (0, table.weight.requires_grad))
    _FORGOTTEN[table] = times + 1, trained
    table.weight.requires_grad_(False)
    hooks.undo(lambda: _remember(table))
    hooks.after(table, _zeros)
    hooks.on_state(table, _written_as_zeros)


def _remember(table: nn.Embedding) -> None:
    """Lets the table be trained again, if it was, once nothing forgets it any longer."""
    times, trained = _FORGOTTEN.pop(table)
    if times > 1:
        _FORGOTTEN[table] = times - 1, trained
    else:
        table.weight.requires_grad_(trained)


def refuse_pretrained(model: PreTrainedModel, tables: list[nn.Embedding]) -> None:
    """Raises ComponentError where a pretrained model would lose a table that it was trained with."""
    if getattr(model.config, "name_or_path", "") and any(bool(table.weight.any()) for table in tables):
        raise ComponentError(
            f"positions: none takes the position embeddings from a model that was trained with them "
            f"({model.config.name_or_path}); use positions: continue, or train one from a config"
        )


def _zeros(module: nn.Module, args: tuple, out: Tensor) -> Tensor:
    return torch.zeros_like(out)


def _written_as_zeros(module: nn.Module, state: dict[str, Any], prefix: str, metadata: object) -> None:
    state[f"{prefix}weight"] = torch.zeros_like(state[f"{prefix}weight"])
