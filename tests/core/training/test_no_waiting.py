"""Nothing of ours waits for the device within a step."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from transformers import TrainerCallback

from jepa_core.objective.spec import Ema
from jepa_plugins.sigreg import SigReg
from tests.core.objective.test_branches import Several
from tests.core.objective.test_concept_composition import concept_model, concept_objective
from tests.core.training.test_trainer import train
from tests.support import SAMPLES, small_model, small_objective

#: Operations whose result's value or size the host needs, so that on a GPU it would wait.
READS = ("_local_scalar_dense", "item", "nonzero", "masked_select", "unique", "_unique2", "equal", "is_nonzero")


class HostReads(TorchDispatchMode):
    """Lists the reads: the module and function outside torch that asked."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, str]] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = function.overloadpacket.__name__
        boolean = name in ("index", "index_put", "index_put_", "_index_put_impl_") and any(
            index is not None and index.dtype in (torch.bool, torch.uint8) for index in args[1]
        )
        if name in READS or boolean:
            self.seen.append(_asking())
        return function(*args, **kwargs or {})


def _asking() -> tuple[str, str]:
    frame = sys._getframe(2)
    while frame.f_back and frame.f_globals.get("__name__", "").split(".")[0] == "torch":
        frame = frame.f_back
    return frame.f_globals.get("__name__", ""), frame.f_code.co_name


class WithinSteps(TrainerCallback):
    """Holds a context open from where a step's plan is ready until it is done."""

    def __init__(self, context: Any):
        self.context = context

    def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
        self.context.__enter__()

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        self.context.__exit__(None, None, None)


OPTIONS = {"optim": "adamw_torch_fused", "max_steps": 3, "logging_steps": 3, "max_grad_norm": 1.0}


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@pytest.mark.parametrize("layout", ["packed", "rows"])
def test_the_host_reads_nothing_in_a_step(tmp_path, layout, kind):
    """Planning is before it, on the host. transformers looks whether position ids start anew, once a call."""
    reads = HostReads()
    objective = small_objective(small_model(kind), k=2, layout=layout)
    train(
        tmp_path,
        SAMPLES,
        objective=objective,
        callbacks=[WithinSteps(reads)],
        per_device_train_batch_size=3,
        gradient_accumulation_steps=2,
        **OPTIONS,
    )
    theirs = {("transformers.masking_utils", "find_packed_sequence_indices")} if layout == "rows" else set()
    assert set(reads.seen) == theirs


#: The plan of the candidates' own pass is made within the step, on the host, of tensors that never were elsewhere.
PLANNING = {"jepa_core.objective.arrangement", "jepa_core.objective.planner"}
LARGER = {
    "recall": {"ntp_detach": 2, "recall_temperature": 0.1},
    "a bank": {"negatives": "bank"},
    "a moving average": {"target": Ema(0.9)},
    "draws and a regularizer": {"regularizers": (("sigreg", SigReg(directions=4)),)},
}


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@pytest.mark.parametrize("name", LARGER)
def test_nor_does_it_with_candidates_and_target_encoders(tmp_path, name, kind):
    reads = HostReads()
    objective = concept_objective(concept_model(kind), **LARGER[name])
    train(tmp_path, SAMPLES, objective=objective, callbacks=[WithinSteps(reads)], **OPTIONS)
    assert {module for module, _ in reads.seen} <= PLANNING
    assert not reads.seen or "bank" in name or name == "recall"


@pytest.mark.parametrize("k", [0, 2])
def test_nor_with_branches(tmp_path, k):
    reads = HostReads()
    for layout in ("packed", "rows"):
        objective = small_objective(small_model(), k, reversal=Several(), layout=layout)
        train(tmp_path, SAMPLES, objective=objective, callbacks=[WithinSteps(reads)], **OPTIONS)
    assert set(reads.seen) <= {("transformers.masking_utils", "find_packed_sequence_indices")}


def test_a_read_is_seen():
    reads, numbers = HostReads(), torch.tensor([1.0, 2.0])
    with reads:
        float(numbers[0])
        numbers[numbers > 1]
        numbers.nonzero()
    assert reads.seen == [(__name__, "test_a_read_is_seen")] * 3


class ErrorOnWaiting:
    """Waiting for the GPU is an error, but in the transformer's own forward pass."""

    def __init__(self, base: torch.nn.Module):
        base.register_forward_pre_hook(lambda *args: torch.cuda.set_sync_debug_mode("default"))
        base.register_forward_hook(lambda *args: torch.cuda.set_sync_debug_mode("error"))

    def __enter__(self) -> None:
        torch.cuda.set_sync_debug_mode("error")

    def __exit__(self, *args: object) -> None:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.cuda
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("layout", ["packed", "rows"])
def test_no_wait_for_the_gpu_in_a_step(tmp_path, layout):
    objective = small_objective(small_model(), k=2, layout=layout)
    waiting = WithinSteps(ErrorOnWaiting(objective.transformer.base))
    try:
        train(tmp_path, SAMPLES, objective=objective, callbacks=[waiting], use_cpu=False, **OPTIONS)
    finally:
        torch.cuda.set_sync_debug_mode("default")
