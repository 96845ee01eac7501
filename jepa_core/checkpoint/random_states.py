"""The random number generators of a process as one block of bytes in safetensors' format, and back."""

from __future__ import annotations

import json
import random
from typing import Any

import numpy as np
import torch
from safetensors.torch import load, save
from torch import Tensor, distributed


def capture() -> bytes:
    """The states of Python, NumPy and torch, on the CPU and on each CUDA device."""
    tensors = {"torch": torch.get_rng_state(), "python": _to_bytes(random.getstate())}
    tensors["numpy"] = _to_bytes(np.random.get_state(legacy=False))
    if torch.cuda.is_available():
        tensors |= {f"cuda.{i}": state for i, state in enumerate(torch.cuda.get_rng_state_all())}
    return save(tensors)


def restore(captured: bytes) -> None:
    """Sets the states that :func:`capture` captured.

    Raises KeyError, TypeError, ValueError, RuntimeError or SafetensorError for bytes that it never made.
    """
    tensors = load(captured)
    version, numbers, gauss = _from_bytes(tensors["python"])
    legacy = _from_bytes(tensors["numpy"])
    legacy["state"]["key"] = np.array(legacy["state"]["key"], dtype=np.uint32)
    random.setstate((version, tuple(numbers), gauss))
    np.random.set_state(legacy)
    torch.set_rng_state(tensors["torch"])
    if torch.cuda.is_available():
        for device in range(torch.cuda.device_count()):
            if (state := tensors.get(f"cuda.{device}")) is not None:
                torch.cuda.set_rng_state(state, device)


def gather(captured: bytes, device: torch.device) -> list[bytes]:
    """Gathers the bytes of every process, in the order of their ranks."""
    if not distributed.is_initialized():
        return [captured]
    size = torch.tensor(len(captured), device=device)
    sizes = [torch.zeros_like(size) for _ in range(distributed.get_world_size())]
    distributed.all_gather(sizes, size)
    longest = max(int(s) for s in sizes)
    own = torch.zeros(longest, dtype=torch.uint8, device=device)
    own[: len(captured)] = torch.frombuffer(bytearray(captured), dtype=torch.uint8)
    parts = [torch.zeros_like(own) for _ in sizes]
    distributed.all_gather(parts, own)
    return [bytes(part[: int(s)].cpu().numpy()) for part, s in zip(parts, sizes, strict=True)]


def _to_bytes(state: object) -> Tensor:
    """JSON as uint8: it holds every int and float exactly."""
    return torch.frombuffer(bytearray(json.dumps(state, default=np.ndarray.tolist).encode()), dtype=torch.uint8)


def _from_bytes(tensor: Tensor) -> Any:
    return json.loads(bytes(tensor.numpy()))
