"""The projection's counts against formulas, and its sums by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks import projection
from benchmarks.projection import WAYS, Assumptions, held, operations, parameters, seconds, sheet

SMALL = Assumptions(prompt=10, answer=6)


@pytest.fixture(autouse=True)
def tiny(monkeypatch):
    """A Llama of 3 layers and width 8; its 2 heads have 4 numbers, keys and values 1 head."""
    model = {"hidden_size": 8, "num_hidden_layers": 3, "intermediate_size": 12, "tie_word_embeddings": False}
    shared = {"num_attention_heads": 2, "num_key_value_heads": 1, "vocab_size": 32, "max_position_embeddings": 64}
    monkeypatch.setattr(projection, "LLAMA", {"tiny": model})
    monkeypatch.setattr(projection, "SHARED", shared)


def test_parameters_are_those_of_the_formula():
    layer = 8 * 8 + 2 * 8 * 4 + 8 * 8 + 3 * 8 * 12 + 2 * 8
    assert parameters("tiny") == 3 * layer + 2 * 32 * 8 + 8


def test_operations_are_six_a_weight_and_token_and_those_of_attention_and_head():
    """Next-token prediction alone: 16 tokens, 6 of them answers. The plain attention kernel computes the whole
    square: two products of 16² · 8, forward, and twice that backward."""
    weights = 8 * 8 + 2 * 8 * 4 + 8 * 8 + 3 * 8 * 12
    expected = 3 * (6 * weights * 16 + 3 * 2 * 2 * 16 * 16 * 8) + 6 * 8 * 32 * 6
    assert operations("tiny", WAYS["next-token prediction alone"], SMALL) == expected


def test_ours_is_a_row_and_the_answer_again_and_the_public_layout_three_rows():
    assert WAYS["ours"].rows(SMALL) == [17, 6]
    assert WAYS["public layout"].rows(SMALL) == [16, 16, 16]
    found = {name: operations("tiny", way, SMALL) for name, way in WAYS.items()}
    assert found["next-token prediction alone"] < found["ours"] < found["public layout"]


def test_a_step_takes_its_operations_with_the_forward_pass_once_more():
    assumed = replace(SMALL, rate=1e6, share=0.5, batch=10, micro=5)
    assert seconds(1000, 3_000_000, 1, assumed) == (pytest.approx(80.0), 0.0)


def test_links_are_used_for_every_micro_batch_and_the_network_beyond_a_machine():
    assumed = replace(SMALL, batch=64, micro=4, link=1e6, network=1e5, machine=8)
    assert seconds(1_000_000, 1, 8, assumed)[1] == pytest.approx(2 * 8 * 7 / 8)
    assert seconds(1_000_000, 1, 16, assumed)[1] == pytest.approx(10 * 8 * 15 / 16)


def test_memory_is_sixteen_bytes_a_weight_shared_by_the_gpus_and_more():
    more = [held("tiny", 3000, gpus, WAYS["ours"], SMALL) - 16 * 3000 / gpus for gpus in (1, 8)]
    assert more[0] == pytest.approx(more[1])
    assert more[0] > 4 * 3000 / 3


def test_what_does_not_fit_has_no_price():
    rows = sheet(replace(SMALL, memory=1000))
    assert {(row["fits"], row["hours"], row["dollars"]) for row in rows} == {("no", "–", "–")}
    assert len(rows) == 9
