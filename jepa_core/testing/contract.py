"""The promises of every kind of component."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any, ClassVar

import einops
import torch
from torch import Tensor, nn

from jepa_core.contracts.declared import false_declarations
from jepa_core.contracts.fitness import loose_parameters
from jepa_core.tensors import same, snapshot, tensors


@contextmanager
def clause(text: str) -> Iterator[None]:
    """Adds the broken clause of the contract to any failure. Decorates a test, or wraps a block."""
    try:
        yield
    except Exception as error:
        error.add_note(f"The contract says: {text}.")
        raise


def expect_shape(value: Any, pattern: str, **lengths: int) -> None:
    """Fails unless `value` is a tensor with the axes of `pattern` (einops) in these lengths."""
    assert isinstance(value, Tensor), f"returned {type(value).__name__}, not a tensor '{pattern}'"
    assert value.dim() == len(pattern.split()), f"returned shape {tuple(value.shape)}, not '{pattern}'"
    found = einops.parse_shape(value, pattern)
    assert found == lengths, f"returned '{pattern}' with lengths {found}, not {lengths}"


def close(first: Any, second: Any) -> bool:
    """Tells whether the tensors inside both are equal up to rounding in fp32."""
    pairs = zip(tensors(first), tensors(second), strict=True)
    return all(a.shape == b.shape and torch.allclose(a, b, rtol=1e-4, atol=1e-5) for a, b in pairs)


class ComponentContract:
    """The base of the contracts; subclass the one for the component's kind."""

    kind: ClassVar[str]

    def make(self) -> Any:
        """Makes a new component, as the factory would. Called anew for every test."""
        raise NotImplementedError("implement make(): return the component to be tested")

    def inputs(self) -> tuple:
        """Ordinary arguments for a call."""
        raise NotImplementedError

    def call(self, component: Any, *args: Any) -> Any:
        """Calls the component as the core does, with `args` as :meth:`inputs` gives them."""
        return component(*args)

    def check_declarations(self, component: Any) -> None:
        """Fails where a declaration of the component has the wrong type."""

    @clause("what a component declares has the type that the core expects")
    def test_declares_valid_values(self) -> None:
        component = self.make()
        problems = list(false_declarations(self.kind, component))
        assert not problems, "; ".join(problems)
        self.check_declarations(component)

    @clause("a component leaves its inputs as they were, to the bit")
    def test_leaves_its_inputs_alone(self) -> None:
        component, args = self.make(), self.inputs()
        before = snapshot(args)
        self.call(component, *args)
        assert same(args, before), "an input was changed in place"

    @clause("the same inputs give the same result, to the bit")
    def test_same_inputs_give_the_same_result(self) -> None:
        component = self.make()
        first = snapshot(self.call(component, *self.inputs()))
        assert same(self.call(component, *self.inputs()), first), "a second call gave another result"

    @clause("a component draws no numbers from torch's global generator; randomness comes in as `draws`")
    def test_draws_no_random_numbers(self) -> None:
        component, args = self.make(), self.inputs()
        before = torch.get_rng_state()
        self.call(component, *args)
        assert torch.equal(torch.get_rng_state(), before), "the state of torch's global generator moved"

    @clause("a component with parameters is an nn.Module, so that they are trained and saved")
    def test_parameters_belong_to_a_module(self) -> None:
        component = self.make()
        values = {} if isinstance(component, nn.Module) else getattr(component, "__dict__", {})
        modules = {name for name, value in values.items() if isinstance(value, nn.Module)}
        loose = sorted(loose_parameters(component) | modules)
        assert not loose, f"{type(component).__name__} has parameters in {loose} that no module registers"

    @clause("a module's results depend on nothing but its inputs and its state_dict, which loads again")
    def test_state_dict_round_trip(self) -> None:
        saved, fresh = self.make(), self.make()
        if not isinstance(saved, nn.Module):
            return
        generator = torch.Generator().manual_seed(0)
        with torch.no_grad():
            for parameter in saved.parameters():
                parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
        fresh.load_state_dict(deepcopy(saved.state_dict()))
        expected = self.call(saved, *self.inputs())
        assert same(self.call(fresh, *self.inputs()), expected), "after load_state_dict the result is another"


class CompiledContract(ComponentContract):
    """The contract of components that run inside the training step, where torch.compile must take them."""

    @clause("torch.compile takes the component in one graph (fullgraph=True), and the result stays the same")
    def test_compiles_in_one_graph(self) -> None:
        component = self.make()
        torch._dynamo.reset()
        compiled = torch.compile(lambda *args: self.call(component, *args), fullgraph=True, backend="eager")
        with torch.no_grad():
            expected = self.call(component, *self.inputs())
            assert close(compiled(*self.inputs()), expected), "compiled, it gives another result"


def call_signature(component: Any) -> inspect.Signature:
    """The signature that calls must fit; for a module that of ``forward``."""
    return inspect.signature(component.forward if isinstance(component, nn.Module) else component)
