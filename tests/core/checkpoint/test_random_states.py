"""The numbers that come after a state was put back are those that came after it was taken."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from safetensors import SafetensorError

from jepa_core.checkpoint.random_states import capture, gather, restore


def draw() -> list[float]:
    return [
        random.gauss(0, 1),
        random.random(),
        float(np.random.randn()),
        float(torch.randn(())),
        float(torch.rand(())),
    ]


@pytest.mark.parametrize("before", [0, 1, 7])
def test_there_and_back(before):
    """Holds even with half of a pair of Gaussian numbers still to come."""
    for _ in range(before):
        draw()
    packed = capture()
    assert packed == capture()
    expected = [draw() for _ in range(3)]
    draw()
    restore(packed)
    assert [draw() for _ in range(3)] == expected


def test_alone_there_is_one_to_gather():
    assert gather(b"abc", torch.device("cpu")) == [b"abc"]


def test_what_is_none_is_an_error():
    for packed in (b"", b"\xff" * 100, capture()[:-1]):
        with pytest.raises((SafetensorError, ValueError)):
            restore(packed)
