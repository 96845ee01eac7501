"""The clauses that hold without a call: a component can be called, declares what the core expects, and its parameters
are trained and saved."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn

from jepa_core.components import KINDS
from jepa_core.contracts.declared import false_declarations
from jepa_core.tensors import tensors

#: Where a module keeps what it registers, and hooks of its own.
_OWN = frozenset(vars(nn.Module()))


def unfit(kind: str, component: object) -> str:
    """Says why a component of this kind can't be used; empty where nothing speaks against it."""
    if not callable(component):
        return f"it is a {type(component).__name__}, which can't be called"
    for words in false_declarations(kind, component):
        return words
    if not KINDS[kind].key.startswith("objective."):  # evaluations and the like train nothing of their own
        return ""
    if loose := sorted(loose_parameters(component)):
        return (
            f"it has parameters in '{loose[0]}' that belong to no module, so they are neither trained nor saved; make "
            "it an nn.Module and register them (nn.Parameter, nn.ModuleList, nn.ParameterList)"
        )
    if isinstance(component, nn.Module):
        return next((f"its state_dict holds '{name}', which is no tensor" for name in _no_tensors(component)), "")
    return ""


def loose_parameters(component: object) -> set[str]:
    """The names of attributes, or of variables that a function closes over, with parameters that no module registers
    under the component."""
    known = {id(part) for part in component.modules()} if isinstance(component, nn.Module) else set()
    known |= {id(part) for part in component.parameters()} if isinstance(component, nn.Module) else set()
    return {name for name, value in _held(component) if any(id(part) not in known for part in _trained(value))}


def _held(component: object) -> Iterator[tuple[str, Any]]:
    if isinstance(component, nn.Module):
        for part in component.modules():
            yield from ((name, value) for name, value in vars(part).items() if name not in _OWN)
        return
    yield from getattr(component, "__dict__", {}).items()
    names = getattr(getattr(component, "__code__", None), "co_freevars", ())
    for name, cell in zip(names, getattr(component, "__closure__", None) or (), strict=False):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not yet bound
            continue


def _trained(value: object) -> Iterator[Any]:
    """Yields modules with parameters that are trained, and loose tensors that are, inside a value."""
    if isinstance(value, nn.Module):
        if any(parameter.requires_grad for parameter in value.parameters()):
            yield value
    elif isinstance(value, Mapping):
        yield from (part for each in value.values() for part in _trained(each))
    elif isinstance(value, tuple | list | set):
        yield from (part for each in value for part in _trained(each))
    else:
        yield from (tensor for tensor in tensors(value) if tensor.requires_grad)


def _no_tensors(component: nn.Module) -> list[str]:
    return [name for name, value in component.state_dict().items() if not isinstance(value, Tensor)]
