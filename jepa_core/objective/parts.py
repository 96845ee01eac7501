"""The components of an objective that have parameters, as parts of its module."""

from __future__ import annotations

from torch import nn

from jepa_core.objective.spec import ObjectiveSpec

#: Parts that in the first term have the names from when there was one term only.
FIRST = ("source_embedding", "target_embedding", "predictor", "distance")


def register_parts(objective: nn.Module, spec: ObjectiveSpec) -> nn.ModuleDict:
    """Registers parts by names that are the same in every run of a recipe; returns those not in :data:`FIRST`."""
    rest = nn.ModuleDict()
    for number, term in enumerate(spec.terms):
        for name, part in term.parts():
            if not isinstance(part, nn.Module):
                continue
            if number == 0 and name in FIRST:
                objective.add_module(name, part)
            else:
                rest[name if number == 0 else f"{term.name}_{name}"] = part
    return rest
