"""Numbers behind ####, by hand."""

from __future__ import annotations

from decimal import Decimal

import pytest

from jepa_plugins.text.scoring.number import marked_number, number


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("16 - 3 is 13\n#### 13", "13"),
        ("####13", "13"),
        ("#### 1,234,567", "1234567"),
        ("#### $1,016.50 in all", "1016.50"),
        ("#### -3", "-3"),
        ("#### −3.", "-3"),
        ("#### .5", "0.5"),
        ("#### 18\nQ: and now?\n#### 20", "18"),
    ],
)
def test_what_is_read(text, value):
    assert marked_number(text) == Decimal(value)


@pytest.mark.parametrize("text", ["13", "### 13", "#### thirteen", "####\n13", "####"])
def test_where_there_is_none(text):
    assert marked_number(text) is None


def test_it_compares_values_not_texts():
    assert number("so #### 1,016.0", "#### 1016")
    assert number("#### 17", "#### 18").why == "17, not 18"
    assert number("18", "#### 18").why == "no number behind ####"


def test_an_expected_answer_without_one_is_the_datas_fault():
    found = number("#### 18", "eighteen")
    assert (found.right, found.judged) == (False, False)
    assert number("18", "#### 18").judged
