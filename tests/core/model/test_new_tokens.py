from __future__ import annotations

from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig, PhiConfig, PreTrainedTokenizerFast

from jepa_core.model.new_tokens import add_rows, embedding_rows, remove_rows, token_tables, without_tokens
from jepa_core.model.tokenizer import tokenizer_files

TOKENS = 20


def model(kind: str, rows: int = TOKENS) -> Any:
    torch.manual_seed(0)
    if kind == "tied":
        made: Any = GPT2Config(vocab_size=rows, n_layer=1, n_embd=8, n_head=2, bos_token_id=None, eos_token_id=None)
    else:
        sizes = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
        config = LlamaConfig if kind == "untied" else PhiConfig
        made = config(vocab_size=rows, bos_token_id=None, eos_token_id=None, pad_token_id=None, **sizes)
    return AutoModelForCausalLM.from_config(made)


def values(model: Any) -> list[torch.Tensor]:
    return [table.detach().clone() for table in token_tables(model)]


@pytest.mark.parametrize(("kind", "count"), [("tied", 1), ("untied", 2), ("biased", 3)])
class TestAFullTable:
    def test_new_rows_are_the_mean_and_old_ones_stay(self, kind, count):
        grown = model(kind)
        before = values(grown)
        add_rows(grown, [TOKENS, TOKENS + 1], TOKENS)
        after = values(grown)
        assert len(before) == len(after) == count
        assert embedding_rows(grown) == grown.config.vocab_size == TOKENS + 2
        for old, new in zip(before, after, strict=True):
            assert torch.equal(new[:TOKENS], old)
            for row in (TOKENS, TOKENS + 1):
                torch.testing.assert_close(new[row], old.mean(dim=0))

    def test_removed_it_is_what_it_was(self, kind, count):
        grown, ids = model(kind), torch.tensor([[1, 2, 3]])
        before, logits = values(grown), grown.eval()(ids).logits
        add_rows(grown, [TOKENS], TOKENS)
        assert grown(torch.tensor([[1, TOKENS]])).logits.shape[-1] == TOKENS + 1
        remove_rows(grown, [TOKENS], TOKENS, rows=TOKENS)
        assert grown.config.vocab_size == TOKENS
        assert all(torch.equal(old, new) for old, new in zip(before, values(grown), strict=True))
        assert torch.equal(grown(ids).logits, logits)


def test_a_tied_head_stays_tied():
    grown = model("tied")
    add_rows(grown, [TOKENS], TOKENS)
    assert grown.get_output_embeddings().weight is grown.get_input_embeddings().weight


class TestAPaddedTable:
    """A multiple of 8 rows for 20 tokens: four rows are nobody's."""

    def test_padding_is_taken_first_and_is_in_no_mean(self):
        padded = model("untied", rows=24)
        with torch.no_grad():
            for table in token_tables(padded):
                table[TOKENS:] = 1000.0
        before = values(padded)
        add_rows(padded, [TOKENS, TOKENS + 1], TOKENS)
        assert embedding_rows(padded) == 24
        for old, new in zip(before, values(padded), strict=True):
            torch.testing.assert_close(new[TOKENS + 1], old[:TOKENS].mean(dim=0))
            assert torch.equal(new[TOKENS + 2 :], old[TOKENS + 2 :])

    def test_removed_nothing_trained_is_left(self):
        padded = model("untied", rows=24)
        add_rows(padded, [*range(TOKENS, TOKENS + 6)], TOKENS)
        with torch.no_grad():
            for table in token_tables(padded):
                table[TOKENS:] = 7.0
        remove_rows(padded, [*range(TOKENS, TOKENS + 6)], TOKENS, rows=24)
        assert embedding_rows(padded) == 24
        for table in values(padded):
            assert not (table == 7.0).any()


def test_a_token_that_the_model_has_keeps_its_row():
    same = model("tied")
    before = values(same)
    add_rows(same, [3], TOKENS)
    assert all(torch.equal(old, new) for old, new in zip(before, values(same), strict=True))


def test_tokens_are_taken_out_of_a_tokenizers_files():
    made = Tokenizer(models.WordLevel({"red": 0, "fox": 1}))
    made.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, eos_token="<end>")
    before = tokenizer_files(tokenizer)
    tokenizer.add_tokens(["<PRED>", "<PRED_2>"], special_tokens=True)
    more = tokenizer_files(tokenizer)
    assert b"<PRED_2>" in more["tokenizer.json"]
    assert without_tokens(more, {"<PRED>", "<PRED_2>"}) == before
