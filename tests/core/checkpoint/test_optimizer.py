"""An optimizer's state comes back as it was, through tensors and JSON."""

from __future__ import annotations

import json

import pytest
import torch

from jepa_core.checkpoint.optimizer import join_state, refuse_other_shapes, split_state


def trained(kind=torch.optim.AdamW, **options) -> torch.optim.Optimizer:
    torch.manual_seed(0)
    parameters = [torch.nn.Parameter(torch.randn(3, 2)), torch.nn.Parameter(torch.randn(4))]
    groups = [{"params": parameters[:1], "weight_decay": 0.1}, {"params": parameters[1:], "weight_decay": 0.0}]
    optimizer = kind(groups, lr=0.1, **options)
    for _ in range(3):
        sum(p.square().sum() for p in parameters).backward()
        optimizer.step()
    return optimizer


@pytest.mark.parametrize(
    "options", [{}, {"fused": True}, {"kind": torch.optim.SGD, "momentum": 0.9}, {"kind": torch.optim.SGD}]
)
def test_there_and_back(options):
    optimizer = trained(**options)
    tensors, plain = split_state(optimizer.state_dict())
    state = join_state(tensors, json.loads(json.dumps(plain)))
    expected = optimizer.state_dict()
    assert state["param_groups"] == expected["param_groups"]
    assert state["state"].keys() == expected["state"].keys()
    for number, entries in expected["state"].items():
        assert entries.keys() == state["state"][number].keys()
        assert all(
            torch.equal(torch.as_tensor(v), torch.as_tensor(state["state"][number][n]))
            for n, v in entries.items()
            if v is not None
        )
    refuse_other_shapes(optimizer, state)


@pytest.mark.parametrize("case", ["shape", "fewer", "unknown"])
def test_another_ones_state_is_refused(case):
    optimizer = trained()
    state = optimizer.state_dict()
    if case == "shape":
        state["state"][1]["exp_avg"] = torch.zeros(5)
    elif case == "fewer":
        state["param_groups"] = state["param_groups"][:1]
    else:
        state["state"][9] = {}
    with pytest.raises(ValueError, match=r"shape|parameters"):
        refuse_other_shapes(optimizer, state)
