"""Checks that the mask which reaches the model's layers is the mask builder's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import torch
from torch import Tensor

from jepa_core.components import MaskTraits
from jepa_core.errors import ComponentError
from jepa_core.objective.arrangement import Call
from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.plan import Plan
from jepa_core.verify.context import Context, bank_of, mode
from jepa_core.verify.row import Row, at_most, not_applicable, source_of
from jepa_core.verify.words import count
from jepa_core.views.row_tokens import Tokens
from jepa_core.views.visibility import visible

NAME = "mask cells that a layer gets otherwise"


def mask(context: Context) -> Iterator[Row]:
    """Compares the mask argument of every layer of the real model, in one packed step."""
    source = source_of(visible)
    try:
        packed = context.packed
        with mode(packed, filters=False):
            plan = packed.plan(context.few)
            received = received_masks(packed, plan)[: packed.transformer.num_layers]
    except ComponentError as error:
        yield not_applicable(NAME, str(error), source)
        return
    call = plan.arrangement.calls[0]
    tokens, builder = Tokens.of(call.tags, call.block, call.piece), packed.spec.mask
    by_layer = MaskTraits.of(builder).by_layer
    says = [
        visible(builder, tokens, layer if by_layer else 0, call.apart) & _within(window, call)
        for layer, window in zip(range(len(received)), packed.transformer.windows, strict=True)
    ]
    shape = says[0].expand(len(call.ids), -1, -1).shape
    wrong = sum(int((_or_causal(got, shape) != said).sum()) for got, said in zip(received, says, strict=True))
    opened = int(says[0].expand(shape)[0].sum())
    cells = "×".join(map(str, shape))
    told = f"{count(len(received), 'layer')} given {cells} cells; open in the first sample: {opened}"
    yield at_most(NAME, wrong, 0, told, source)


@torch.no_grad()
def received_masks(objective: JepaObjective, plan: Plan) -> list[Tensor | None]:
    """The mask ``r t t`` bool that each layer was given in a step; None where it was given none."""
    found: list[Tensor | None] = []

    def note(module: object, args: tuple, kwargs: dict) -> None:
        given = [value for value in (*args, *kwargs.values()) if _is_mask(value)]
        found.append(_seen(given[0][:, 0]).cpu() if given else None)

    bank = bank_of(objective)
    with ExitStack() as hooks:
        for block in objective.transformer.blocks:
            hooks.callback(block.register_forward_pre_hook(note, with_kwargs=True).remove)
        objective(plan=plan.to(next(objective.parameters()).device), bank=bank)
    return found


def _within(window: int | None, call: Call) -> Tensor:
    """The cells ``t t`` within a layer's window, which in a branch is counted by position ids."""
    places = torch.arange(call.ids.shape[1])
    back = places[:, None] - places
    if call.piece is not None and call.apart is not None:
        other = call.piece.unsqueeze(-1) != call.piece.unsqueeze(-2)
        back = torch.where(other, call.positions.unsqueeze(-1) - call.positions.unsqueeze(-2), back)
    return back < (len(places) if window is None else window)


def _is_mask(value: object) -> bool:
    return isinstance(value, Tensor) and value.dim() == 4 and value.shape[-1] == value.shape[-2]


def _seen(mask: Tensor) -> Tensor:
    """Turns a layer's mask into ``r t t`` bool, True where a token is seen: it may be added to scores, or bool, which
    some models invert; the diagonal tells, as every token sees itself."""
    if mask.is_floating_point():
        return mask == 0
    return mask if bool(mask.diagonal(dim1=-2, dim2=-1).any()) else ~mask


def _or_causal(mask: Tensor | None, shape: torch.Size) -> Tensor:
    """The mask in this shape; a causal one where a layer has none, since it then attends to all earlier tokens."""
    return torch.ones(shape, dtype=torch.bool).tril() if mask is None else mask.expand(shape)
