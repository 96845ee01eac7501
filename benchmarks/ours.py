"""The benchmarks' calls of jepa_core: building a run, planning a batch, running it."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

import jepa_core
from jepa_core.errors import JepaError
from jepa_core.registry import Registry

Batch = dict[str, Tensor]

#: Every arm of a comparison has this activation, computed by the same kernel.
ACTIVATION = "model.config.activation_function=gelu_pytorch_tanh"
LAYOUTS = ("packed", "rows", "flat")


@cache
def _registry() -> Registry:
    return Registry.discover()


def build(recipe: str, overrides: Sequence[str] = (), device: str = "cpu") -> Any:
    """A run of a shipped recipe, in training mode on this device."""
    loaded = jepa_core.load_recipe(recipe, overrides=list(overrides), registry=_registry())
    run = jepa_core.build(loaded, _registry(), "cpu" if device == "cpu" else None)
    run.objective.train().to(device)
    return run


def offered(recipe: str, overrides: Sequence[str], layout: str, device: str = "cpu") -> Any | str:
    """The run with this layout, or the words with which it is refused."""
    try:
        return build(recipe, [*overrides, f"objective.layout={layout}"], device)
    except JepaError as error:
        return " ".join(str(error).split())


def batch(run: Any, size: int, number: int = 0) -> Batch:
    """The same random samples for the same number, on the host."""
    generator = torch.Generator().manual_seed(number)
    rows = torch.randint(len(run.train_dataset), (size,), generator=generator).tolist()
    return run.collate(run.train_dataset.__getitems__(rows))


def plan(run: Any, on_host: Batch, device: str, step: int = 0) -> Any:
    """Made on the host, then moved without waiting, as the trainer does."""
    made = run.objective.plan(on_host, step)
    return made if device == "cpu" else made.to(torch.device(device))


def tokens(made: Any) -> int:
    """Tokens that go through the transformer, padding included."""
    return int(made.padded_tokens)


def forward(run: Any, made: Any) -> Any:
    return run.objective(plan=made)


def eligible(on_host: Batch) -> Tensor:
    """``b`` bool: the samples that pay the JEPA loss in the recipes used here."""
    return on_host["sample_type"] == 0


def plain_model(run: Any, device: str, activation: str | None = None) -> nn.Module:
    """A copy of the run's language model as transformers makes it, without anything of ours on it; with another
    activation where one is named."""
    from transformers import AutoModelForCausalLM

    ours = run.objective.model
    config = copy.deepcopy(ours.config)
    if activation is not None:
        config.activation_function = activation
    model = AutoModelForCausalLM.from_config(config)
    model.load_state_dict(ours.state_dict())
    return model.to(device).train()


def vocabulary_size(run: Any) -> int:
    return run.objective.model.config.vocab_size


def pred_id(run: Any) -> int:
    """The id of the predictor token."""
    return run.vocabulary.pred_ids[0]


@contextmanager
def whole_last_mlp(run: Any) -> Iterator[None]:
    """Switches off the saving that runs the last layer's MLP only where its result is read."""
    saving = run.objective.transformer.last_mlp
    saving.works = False
    try:
        yield
    finally:
        saving.works = True
