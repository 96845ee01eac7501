"""Colours are told apart: from their background, and from each other, by everybody."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from jepa_core.display.colours import COLOURS, SERIES, VARIABLES, style_sheet

#: How linear RGB looks without one kind of cone (Machado, Oliveira and Fernandes 2009, severity 1).
SIGHT = {
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)


def linear(colour: str) -> np.ndarray:
    values = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    """The contrast as the Web Content Accessibility Guidelines define it."""
    darker, lighter = sorted(float(TO_XYZ[1] @ linear(colour)) + 0.05 for colour in (a, b))
    return lighter / darker


def lab(rgb: np.ndarray) -> np.ndarray:
    ratio = TO_XYZ @ rgb.clip(0, 1) / np.array([0.95047, 1.0, 1.08883])
    x, y, z = np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_contrast_and_lab_by_hand():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert lab(linear("#ffffff")) == pytest.approx([100, 0, 0], abs=0.1)
    assert lab(linear("#ff0000")) == pytest.approx([53.24, 80.09, 67.20], abs=0.1)


@pytest.mark.parametrize("dark", [0, 1])
def test_contrast_with_the_background(dark):
    on_paper = {name: contrast(values[dark], COLOURS["--paper"][dark]) for name, values in COLOURS.items()}
    assert min(on_paper[name] for name in ("--ink", "--muted", "--good", "--fair", "--bad")) >= 4.5
    assert min(on_paper[name] for name in COLOURS if name.startswith("--c")) >= 3


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("dark", [0, 1])
def test_series_are_told_apart(dark, sight):
    colours = [lab(np.array(SIGHT[sight]) @ linear(COLOURS[VARIABLES[light]][dark])) for light in SERIES]
    assert len(colours) == 8
    assert min(np.linalg.norm(a - b) for a, b in combinations(colours, 2)) >= 15


def test_a_colour_tells_its_variable():
    assert len(VARIABLES) == len(COLOURS)
    assert "--c7: #4b5760" in style_sheet()
    assert style_sheet().index("prefers-color-scheme: dark") < style_sheet().index("--c7: #c9bbc6")
