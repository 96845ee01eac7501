"""Hooks on a model's modules that can all be taken off again."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from torch import nn

Run = Callable[..., Any]


class Hook:
    """A callable put on a module, marked as ours."""

    def __init__(self, run: Run):
        self.run = run

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.run(*args, **kwargs)


class Hooks:
    """Puts hooks on modules; :meth:`remove` takes off those that this object put on."""

    def __init__(self) -> None:
        self._undo = ExitStack()

    def before(self, module: nn.Module, run: Run) -> None:
        """Calls ``run(module, args, kwargs)`` before the module; returns None, or other args and kwargs."""
        self._undo.callback(module.register_forward_pre_hook(Hook(run), with_kwargs=True).remove)

    def after(self, module: nn.Module, run: Run, always: bool = False) -> None:
        """Calls ``run(module, args, out)`` after the module; returns None, or another output. always: also after an
        error in the module, or before it."""
        self._undo.callback(module.register_forward_hook(Hook(run), always_call=always).remove)

    def on_state(self, module: nn.Module, run: Run) -> None:
        """Calls ``run(module, state, prefix, metadata)`` whenever the module's weights are written into `state`."""
        self._undo.callback(module.register_state_dict_post_hook(Hook(run)).remove)

    def undo(self, run: Callable[[], object]) -> None:
        """Calls `run` when the hooks are taken off."""
        self._undo.callback(run)

    def remove(self) -> None:
        """Takes all of them off, the last one first; a second time does nothing."""
        self._undo.close()


def sweep(model: nn.Module) -> None:
    """Takes off every hook of ours: a deep copy of a model brings copies of hooks that nobody could remove."""
    for module in model.modules():
        for hooks in (module._forward_pre_hooks, module._forward_hooks, module._state_dict_hooks):
            for number in [number for number, hook in hooks.items() if isinstance(hook, Hook)]:
                del hooks[number]
                module._forward_pre_hooks_with_kwargs.pop(number, None)
                module._forward_hooks_always_called.pop(number, None)
