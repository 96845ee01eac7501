from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jepa_core.recipe.scalars import MAX_NUMBER, plain_scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1.", 1.0),
        (".5", 0.5),
        ("-1.5E+2", -150.0),
        ("12", 12),
        ("+12", 12),
        ("017", 17),
        ("0o17", 15),
        ("0xfF", 255),
        ("true", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("-.inf", -math.inf),
    ],
)
def test_yaml_1_2_numbers_and_constants(text, value):
    assert plain_scalar(text) == value
    assert type(plain_scalar(text)) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "no",
        "on",
        "off",
        "y",
        "none",
        "1_000",
        "1:30",
        "0b1",
        "2024-01-01",
        "١٢",
        "e5",
        ".",
        "-",
        "0o8",
    ],
)
def test_everything_else_is_text(text):
    assert plain_scalar(text) == text


def test_nan():
    assert math.isnan(plain_scalar(".nan"))


@given(st.integers(-(10**18), 10**18))
def test_integers_come_back(number):
    assert plain_scalar(str(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_come_back(number):
    assert plain_scalar(repr(number)) == number


@pytest.mark.parametrize("text", ["9" * 5000, "0x" + "f" * 5000, "1." + "0" * MAX_NUMBER, "1e999", "-1e400"])
def test_numbers_that_nobody_means_are_refused(text):
    with pytest.raises(ValueError, match=r"characters|too large"):
        plain_scalar(text)
