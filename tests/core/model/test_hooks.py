"""Hooks that leave nothing behind."""

from __future__ import annotations

import copy

import torch
from torch import nn

from jepa_core.model.hooks import Hooks, sweep
from tests.families import hooks_on


def doubled(module, args, out):
    return 2 * out


def test_they_act_until_they_are_removed():
    module, hooks = nn.Linear(2, 2), Hooks()
    x, told = torch.ones(1, 2), []
    plain = module(x)
    hooks.before(module, lambda module, args, kwargs: ((3 * args[0],), kwargs))
    hooks.after(module, doubled)
    hooks.on_state(module, lambda module, state, prefix, metadata: state.update({prefix + "more": x}))
    hooks.undo(lambda: told.append("undone"))
    tripled = nn.functional.linear(3 * x, module.weight, module.bias)
    assert torch.equal(module(x), 2 * tripled)
    assert nn.Sequential(module).state_dict().keys() == {"0.weight", "0.bias", "0.more"}
    assert hooks_on(module) == 3
    hooks.remove()
    hooks.remove()
    assert torch.equal(module(x), plain)
    assert hooks_on(module) == 0
    assert told == ["undone"]


def test_sweeping_takes_off_copies_of_ours_and_nothing_else():
    module, hooks = nn.Linear(2, 2), Hooks()
    seen = []
    module.register_forward_hook(lambda *call: seen.append(1))
    hooks.before(module, lambda module, args, kwargs: None)
    hooks.after(module, doubled)
    hooks.on_state(module, lambda *call: None)
    twin = copy.deepcopy(module)
    sweep(twin)
    assert hooks_on(twin) == 1
    assert torch.equal(twin(torch.ones(2)), nn.functional.linear(torch.ones(2), twin.weight, twin.bias))
    assert seen == [1]
    assert hooks_on(module) == 4
