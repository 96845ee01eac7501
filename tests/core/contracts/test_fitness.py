"""Faults of a component that show before it is called."""

from __future__ import annotations

from dataclasses import fields

import pytest
import torch
from torch import nn

from jepa_core.components import KINDS
from jepa_core.contracts.declared import EXPECTED
from jepa_core.contracts.fitness import unfit


class Distance(nn.Module):
    """A module with whatever a test gives it."""

    def __init__(self, **parts: object):
        super().__init__()
        for name, value in parts.items():
            setattr(self, name, value)

    def forward(self, predicted, target):
        return (predicted - target).square().sum(-1)


class Plain:
    def __init__(self, **parts: object):
        self.__dict__ |= parts

    def __call__(self, *args, **kwargs):
        return args[0]


class WithState(Distance):
    def get_extra_state(self):
        return {"a": 1}

    def set_extra_state(self, state):
        pass


def closing_over(weight):
    return lambda predicted, target: (predicted - target).square().sum(-1) * weight


@pytest.mark.parametrize(
    "component",
    [
        Distance(),
        Distance(one=nn.Linear(2, 2), more=nn.ModuleList([nn.Linear(2, 2)]), own=nn.Parameter(torch.ones(1))),
        Distance(sizes=[1, 2], table=torch.ones(3), same=nn.Identity()),
        Plain(table=torch.ones(3), frozen=nn.Linear(2, 2).requires_grad_(False)),
        closing_over(2.0),
        torch.dist,
    ],
)
def test_nothing_speaks_against_it(component):
    assert not unfit("distance", component)


def test_a_module_may_keep_its_own_parts_twice():
    """It keeps a list of registered parts as a plain attribute too."""
    part = nn.Linear(2, 2)
    assert not unfit("distance", Distance(part=part, order=[part], weights=(part.weight,)))


LINEAR, WEIGHT = nn.Linear(2, 2), nn.Parameter(torch.ones(1))


@pytest.mark.parametrize(
    ("component", "name"),
    [
        (Distance(parts=[LINEAR]), "parts"),
        (Distance(parts={"a": WEIGHT}), "parts"),
        (Distance(inner=Distance(parts=[WEIGHT])), "parts"),
        (Plain(map=LINEAR), "map"),
        (Plain(weight=WEIGHT), "weight"),
        (closing_over(WEIGHT), "weight"),
    ],
)
def test_parameters_that_nothing_trains(component, name):
    assert f"has parameters in '{name}' that belong to no module" in unfit("distance", component)
    assert not unfit("evaluation", component)


@pytest.mark.parametrize("component", [None, 5, (each for each in [1])])
def test_what_cannot_be_called(component):
    assert "which can't be called" in unfit("distance", component)
    assert "which can't be called" in unfit("evaluation", component)


def test_a_state_that_cannot_be_saved():
    assert unfit("distance", WithState()) == "its state_dict holds '_extra_state', which is no tensor"


@pytest.mark.parametrize(
    ("kind", "declared"),
    [
        ("distance", {"needs": None}),
        ("distance", {"needs": "bank"}),
        ("distance", {"needs": (1,)}),
        ("distance", {"decomposable": "no"}),
        ("reversal", {"leaks_on": None}),
        ("reversal", {"leaks_on": "test"}),
        ("mask", {"by_layer": 1}),
        ("mask", {"plain_block_causal": None}),
        ("embedding", {"layer": "last"}),
        ("embedding", {"layer": 1.0}),
        ("embedding", {"layer": True}),
        ("embedding", {"reads": 5}),
        ("predictor", {"needs_condition": "x"}),
        ("regularizer", {"weight": None}),
        ("regularizer", {"weight": 0}),
        ("regularizer", {"weight": float("nan")}),
        ("regularizer", {"weight": float("inf")}),
        ("regularizer", {"of_side": "predict"}),
        ("regularizer", {"of_side": ["both"]}),
        ("filter", {"draws_per": "batch"}),
        ("filter", {"rate": 2}),
        ("filter", {"rate": "x"}),
        ("filter", {"training_only": "yes"}),
    ],
)
def test_a_declaration_of_the_wrong_type(kind, declared):
    [(name, value)] = declared.items()
    assert unfit(kind, Plain(**declared)).startswith(f"{name} = {value!r}: must be ")


@pytest.mark.parametrize(
    ("kind", "declared"),
    [
        ("distance", {"needs": ["bank"], "decomposable": False}),
        ("embedding", {"layer": -2, "reads": torch.logical_and}),
        ("regularizer", {"weight": 2, "of_side": "target"}),
        ("filter", {"rate": 1, "draws_per": "step", "training_only": True}),
        ("reversal", {"leaks_on": ["test"]}),
    ],
)
def test_a_declaration_of_the_right_type(kind, declared):
    assert not unfit(kind, Plain(**declared))


def test_every_trait_has_a_type():
    """Types are found by name, so no two kinds have a trait of one name and different types."""
    traits = [trait for kind in KINDS.values() for trait in fields(kind.traits)]
    others = [trait.name for trait in traits if not isinstance(trait.default, bool)]
    assert sorted(others) == sorted(EXPECTED)
