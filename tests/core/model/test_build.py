"""The model of a recipe: sized by the data, or pretrained and made to fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from jepa_core.errors import JepaError
from jepa_core.model.build import build_model
from jepa_core.recipe.schema import ModelSection
from jepa_plugins.facts.vocabulary import Vocabulary
from tests.support import small_model
from tests.support import vocabulary as make_vocabulary

#: Twelve tokens: a-i, <mask> 9, <pad> 10, and 11; the ids of relations play no role here.
VOCABULARY = make_vocabulary(
    {**{c: i for i, c in enumerate("abcdefghi")}, "<mask>": 9, "<pad>": 10, "z": 11}, (8,), 9, 10
)
CONFIG = {"model_type": "gpt2", "n_layer": 1, "n_embd": 16, "n_head": 2, "n_positions": 16}


def build(vocabulary: Vocabulary = VOCABULARY, **section: Any) -> Any:
    torch.manual_seed(1)
    return build_model(ModelSection.model_validate(section or {"config": CONFIG}), vocabulary)


def saved(folder: Path, rows: int) -> str:
    small_model(vocab_size=rows).save_pretrained(folder)
    return str(folder)


def test_the_data_sets_the_vocabulary():
    model = build()
    assert model.config.vocab_size == model.get_input_embeddings().num_embeddings == 12
    assert model.config.pad_token_id == 10
    assert model.config.bos_token_id is None
    assert model.training


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_attention_and_type_are_those_asked_for(tmp_path, attention, dtype):
    for source in ({"config": CONFIG}, {"pretrained": saved(tmp_path, 20)}):
        model = build(**source, attn_implementation=attention, dtype=dtype)
        assert model.config._attn_implementation == attention
        assert {p.dtype for p in model.parameters()} == {getattr(torch, dtype)}


def test_one_seed_makes_one_model():
    assert all(torch.equal(a, b) for a, b in zip(build().parameters(), build().parameters(), strict=True))


class TestPretrained:
    def test_more_tokens_than_rows_get_rows_and_the_old_ones_stay(self, tmp_path):
        old = small_model(vocab_size=7)
        old.save_pretrained(tmp_path)
        first, again = (build(pretrained=str(tmp_path)) for _ in range(2))
        assert first.config.vocab_size == 12
        rows = first.get_input_embeddings().weight
        assert rows.shape == (12, 32)
        assert torch.equal(rows[:7], old.get_input_embeddings().weight)
        assert first.get_output_embeddings().weight is rows
        assert torch.equal(rows, again.get_input_embeddings().weight)
        torch.testing.assert_close(rows[7:], rows[:7].mean(dim=0).expand(5, -1))
        assert first.training

    def test_more_rows_than_tokens_stay(self, tmp_path):
        model = build(pretrained=saved(tmp_path, 20))
        assert model.config.vocab_size == model.get_input_embeddings().num_embeddings == 20

    def test_rows_that_pad_a_table_are_new_tokens_where_the_data_says_so(self, tmp_path):
        padded = saved(tmp_path, 20)
        before = build(pretrained=padded).get_input_embeddings().weight
        marked = replace(VOCABULARY, marked={**VOCABULARY.marked, "base_tokens": 11})
        rows = build(marked, pretrained=padded).get_input_embeddings().weight
        torch.testing.assert_close(rows[11], before[:11].mean(dim=0))
        assert torch.equal(rows[torch.arange(20) != 11], before[torch.arange(20) != 11])

    def test_a_folder_that_is_not_there_is_named(self, tmp_path):
        with pytest.raises(JepaError, match=r"^model .*/nothing: "):
            build(pretrained=str(tmp_path / "nothing"))

    @pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
    def test_a_damaged_folder_is_named(self, tmp_path, file):
        saved(tmp_path, 20)
        content = (tmp_path / file).read_bytes()
        (tmp_path / file).write_bytes(content[: len(content) // 3])
        with pytest.raises(JepaError) as caught:
            build(pretrained=str(tmp_path))
        assert str(caught.value).startswith(f"model {tmp_path}: ")
