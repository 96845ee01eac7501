from __future__ import annotations

from pathlib import Path

import pytest
from transformers import GPT2Config

from jepa_core.contexts import DatasetContext
from jepa_core.errors import DataError
from jepa_core.model.new_tokens import without_tokens
from jepa_core.model.tokenizer import tokenizer_files
from jepa_plugins.text.template import PLAIN
from jepa_plugins.text.tokenizer import add_predictors, chosen_tokenizer, template_of
from tests.plugins.text.specimen import CHATML, tokenizer


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A tokenizer, one of other tokens, and models of so many rows."""
    monkeypatch.setenv("JEPA_CACHE", str(tmp_path / "cache"))
    tokenizer().save_pretrained(tmp_path / "tok")
    tokenizer(kind="pieces").save_pretrained(tmp_path / "other")
    for name, rows in (("model", len(tokenizer())), ("padded", 512), ("small", 300)):
        GPT2Config(vocab_size=rows, bos_token_id=None, eos_token_id=None).save_pretrained(tmp_path / name)
    for name in ("model", "padded"):
        tokenizer().save_pretrained(tmp_path / name)
    GPT2Config(vocab_size=512, bos_token_id=None, eos_token_id=None).save_pretrained(tmp_path / "bare")
    return tmp_path


def choose(folder: Path, wanted, pretrained=None):
    return chosen_tokenizer(DatasetContext(search=(folder,), pretrained=pretrained), wanted, None)


class TestChosen:
    def test_the_pretrained_models_own(self, folder):
        for name in ("model", "padded"):
            made, called = choose(folder, None, name)
            assert (len(made), called) == (len(tokenizer()), str(folder / name))

    def test_another_of_the_same_tokens(self, folder):
        assert choose(folder, "tok", "padded")[1] == str(folder / "tok")
        assert choose(folder, "tok", "bare")[1] == str(folder / "tok")
        assert choose(folder, "tok")[1] == str(folder / "tok")

    def test_one_of_other_tokens_is_refused(self, folder):
        with pytest.raises(
            DataError, match=r"other: the tokenizer has 492 tokens, and .*small has 300: they are not of"
        ):
            choose(folder, "other", "small")
        with pytest.raises(
            DataError, match=r"other: token 3 is '.*', and '.*' in .*padded: they are not of one model$"
        ):
            choose(folder, "other", "padded")

    def test_a_model_made_new_has_none(self, folder):
        with pytest.raises(ValueError, match="tokenizer: a model made new has none: expected a folder, an id, or"):
            choose(folder, None)

    def test_a_pretrained_model_takes_no_trained_one(self, folder):
        with pytest.raises(ValueError, match="tokenizer: a pretrained model has its own: leave out"):
            choose(folder, {"train": "bytes"}, "model")

    def test_what_is_not_there(self, folder):
        with pytest.raises(DataError, match=r"^tokenizer ./none: not found \(looked for"):
            choose(folder, "./none")
        with pytest.raises(DataError, match="bare: expected a Hugging Face tokenizer"):
            choose(folder, None, "bare")

    def test_one_that_can_not_say_what_its_tokens_stand_for(self, folder, monkeypatch):
        monkeypatch.setattr("transformers.PreTrainedTokenizerFast.is_fast", False)
        with pytest.raises(DataError, match="tok: expected a fast tokenizer"):
            choose(folder, "tok")


class TestTemplate:
    def find(self, name: str) -> Path:
        return Path(name)

    def test_the_tokenizers_own_or_plain_or_a_file(self, tmp_path):
        made = tokenizer()
        assert template_of(made, "tok", None, self.find) == (CHATML, "tok: the chat template")
        assert template_of(made, "tok", "plain", self.find) == (PLAIN, "template 'plain'")
        (tmp_path / "t.jinja").write_text("{{ messages }}")
        assert template_of(made, "tok", str(tmp_path / "t.jinja"), self.find) == (
            "{{ messages }}",
            str(tmp_path / "t.jinja"),
        )

    def test_of_several_the_default(self):
        made = tokenizer()
        made.chat_template = {"default": CHATML, "rag": "x"}
        assert template_of(made, "tok", None, self.find)[0] == CHATML
        made.chat_template = {"rag": "x"}
        with pytest.raises(DataError, match="tok: the tokenizer has no chat template"):
            template_of(made, "tok", None, self.find)

    def test_none(self, tmp_path):
        with pytest.raises(DataError) as error:
            template_of(tokenizer(None), "tok", None, self.find)
        assert str(error.value) == (
            "tok: the tokenizer has no chat template: set template to 'plain', or to a template's file"
        )
        with pytest.raises(DataError, match="tok: the tokenizer has no end of text, with which template 'plain' ends"):
            template_of(tokenizer(eos_token=None), "tok", "plain", self.find)
        with pytest.raises(DataError, match=r"none: expected a chat template: .*No such file"):
            template_of(tokenizer(), "tok", str(tmp_path / "none"), self.find)


class TestPredictors:
    def test_they_are_the_next_ids_and_come_out_again(self):
        made = tokenizer()
        before, files = len(made), tokenizer_files(made)
        names = add_predictors(made, 2, True, [7])
        assert names.pred_ids == (before, before + 1)
        assert [names.name(i) for i in names.pred_ids] == ["<PRED>", "<PRED_2>"]
        assert names.size == len(made) == before + 2
        assert names.marked == {"base_tokens": before, "stop_ids": [7]}
        assert made("a<PRED>", add_special_tokens=False)["input_ids"][-1] == before
        assert without_tokens(tokenizer_files(made), {"<PRED>", "<PRED_2>"}) == files

    def test_none(self):
        made = tokenizer()
        files = tokenizer_files(made)
        assert add_predictors(made, 0, False, []).pred_ids == ()
        assert tokenizer_files(made) == files

    def test_one_that_is_there_already_keeps_its_id(self):
        made = tokenizer()
        made.add_tokens(["<PRED>"], special_tokens=True)
        names = add_predictors(made, 1, False, [])
        assert (names.size, names.pred_ids) == (len(made), (len(made) - 1,))

    @pytest.mark.parametrize(("pad", "wanted"), [("<unk>", 0), (None, 2), ("</s>", 2)])
    def test_padding_is_the_tokenizers_or_the_end(self, pad, wanted):
        assert add_predictors(tokenizer(pad_token=pad), 1, False, []).pad_id == wanted
