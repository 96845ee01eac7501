"""What the layouts of text pairs run, by hand."""

from __future__ import annotations

from benchmarks import text
from benchmarks.text import K, operations, pairs, planned, ways


def test_a_row_has_the_pair_the_predictor_and_the_answer_again():
    lengths = [(30, 10), (12, 20)]
    plan = planned(lengths)
    assert plan.tokens == sum(q + a + K + a for q, a in lengths)
    assert plan.labels == sum(a for _, a in lengths)


def test_ways_by_hand(monkeypatch):
    monkeypatch.setattr(text, "BATCH", 2)
    found = ways("GSM8K")
    lengths = pairs("GSM8K")
    assert found["ours, one row a pair"][0] == [(2, max(q + a + K + a for q, a in lengths))]
    longest = [max(q + a for q, a in lengths), max(q + K for q, _ in lengths), max(a for _, a in lengths)]
    assert found["three passes"] == ([(2, width) for width in longest], 2 * longest[0])
    assert found["public"] == ([(6, 512)], 6 * 512)


def test_operations_grow_with_rows_and_with_logits():
    one, two, none = operations([(1, 8)], 8), operations([(2, 8)], 16), operations([(1, 8)], 0)
    assert two == 2 * one
    width, vocabulary = 2048, 128_256
    assert one - none == 6 * 8 * width * vocabulary
