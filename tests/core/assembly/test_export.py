"""A run as a folder of transformers': by its own loaders, and as the run's model says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import AutoPeftModelForCausalLM
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer, pipeline

import jepa_core
from jepa_core.errors import JepaError
from tests.plugins.text.pairs_recipe import REGISTRY
from tests.tiny_lora import adapting, pretrained, text_of
from tests.tiny_runs import run_tiny


class Trained:
    """A run over a pretrained model whose table has five rows more than tokens, room for both predictor tokens."""

    def __init__(self, folder: Path, lora: bool):
        self.base, self.known = pretrained(folder / "base", rows=5)
        recipe = adapting(folder, self.base) if lora else adapting(folder, self.base, lora="dtype: float32")
        self.run = jepa_core.run(recipe, registry=REGISTRY, device="cpu").output_dir
        self.model: Any = jepa_core.load(self.run, REGISTRY).model
        self.recipe = recipe

    def logits(self, model: Any) -> torch.Tensor:
        ids = torch.tensor([[1, 5, 7, 40, 41]])
        found: torch.Tensor = model.eval()(input_ids=ids).logits[..., : self.known].detach()
        return found


@pytest.fixture(scope="module")
def adapted(tmp_path_factory) -> Trained:
    return Trained(tmp_path_factory.mktemp("adapted"), lora=True)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Trained:
    return Trained(tmp_path_factory.mktemp("whole"), lora=False)


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


TOKENIZER = {"tokenizer.json", "tokenizer_config.json", "chat_template.jinja"}
PLAIN = {"README.md", "config.json", "generation_config.json", "model.safetensors", *TOKENIZER}


@pytest.mark.parametrize("merge", [False, True])
def test_adapters_alone_and_merged_say_what_the_run_says(adapted, tmp_path, merge):
    folder = jepa_core.export(adapted.run, tmp_path / "to", merge=merge, registry=REGISTRY)
    assert files(folder) == (
        PLAIN if merge else {"README.md", "adapter_config.json", "adapter_model.safetensors", *TOKENIZER}
    )
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    expected = adapted.logits(adapted.model)
    torch.testing.assert_close(adapted.logits(model), expected, rtol=0, atol=1e-5)
    assert float((adapted.logits(AutoModelForCausalLM.from_pretrained(adapted.base)) - expected).abs().max()) > 1e-2
    assert (folder / "tokenizer.json").read_bytes() == (adapted.base / "tokenizer.json").read_bytes()
    assert len(model.get_input_embeddings().weight) == adapted.known + 5
    assert text_of(model, tokenizer, "ab") == text_of(adapted.model, tokenizer, "ab")
    assert pipeline("text-generation", model=str(folder))("ab", max_new_tokens=3)[0]["generated_text"]


def test_a_model_that_was_trained_whole(whole, tmp_path):
    for name in ("to.part", "to.old.part"):  # of the user's, who may call folders so
        (tmp_path / name).mkdir()
        (tmp_path / name / "mine.txt").write_text("mine")
    (tmp_path / "to").mkdir()
    folder = jepa_core.export(whole.run, tmp_path / "to", registry=REGISTRY)
    assert files(folder) == PLAIN
    assert files(tmp_path) == {"to", "to.part", "to.old.part"}
    assert files(tmp_path / "to.part") == files(tmp_path / "to.old.part") == {"mine.txt"}
    model = AutoModelForCausalLM.from_pretrained(folder)
    torch.testing.assert_close(whole.logits(model), whole.logits(whole.model), rtol=0, atol=0)
    config, base = (json.loads((at / "config.json").read_text()) for at in (folder, whole.base))
    assert config["vocab_size"] == base["vocab_size"]
    assert config.keys() == base.keys()
    assert (folder / "tokenizer.json").read_bytes() == (whole.base / "tokenizer.json").read_bytes()
    settings = json.loads((folder / "generation_config.json").read_text())
    assert AutoTokenizer.from_pretrained(folder).eos_token_id in settings["eos_token_id"]


def test_a_table_that_grew_has_its_rows_of_before(tmp_path):
    base, known = pretrained(tmp_path / "base", rows=1)
    recipe = adapting(tmp_path, base, "training.save_steps=null", "training.max_steps=1", lora="dtype: float32")
    run = jepa_core.run(recipe, registry=REGISTRY, device="cpu").output_dir
    rows = [
        len(AutoModelForCausalLM.from_pretrained(at).get_input_embeddings().weight)
        for at in (run / "model", jepa_core.export(run, tmp_path / "to"))
    ]
    assert rows == [known + 2, known + 1]


@pytest.mark.parametrize("merge", [False, True])
def test_predictor_tokens_that_stay(adapted, whole, tmp_path, merge):
    trained = adapted if merge else whole
    folder = jepa_core.export(trained.run, tmp_path / "to", merge=merge, keep_predictors=True, registry=REGISTRY)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("<PRED><PRED_2>")["input_ids"]
    assert ids == [trained.known, trained.known + 1]
    both = [m.eval()(input_ids=torch.tensor([[5, *ids]])).logits for m in (model, trained.model)]
    torch.testing.assert_close(*both, rtol=0, atol=1e-5)


def test_the_saved_adapters_are_those_of_peft_and_a_run_goes_on_bit_by_bit(adapted, tmp_path):
    found = AutoPeftModelForCausalLM.from_pretrained(adapted.run / "model")
    torch.testing.assert_close(adapted.logits(found), adapted.logits(adapted.model), rtol=0, atol=0)
    again = adapted.recipe.model_copy(update={"output_dir": str(tmp_path / "again")})
    jepa_core.run(again, resume=adapted.run / "checkpoints/checkpoint-3", registry=REGISTRY, device="cpu")
    one, other = ((at / "model/adapter_model.safetensors").read_bytes() for at in (adapted.run, tmp_path / "again"))
    assert one == other


def test_facts_answer_to_words_that_nobody_knows(tmp_path):
    run_tiny(tmp_path / "run", "training.max_steps=1")
    folder = jepa_core.export(tmp_path / "run", tmp_path / "to", registry=REGISTRY)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    names = jepa_core.load(tmp_path / "run", REGISTRY).vocabulary
    known = [name for name in names.token_to_id if name != "<PRED>"]
    assert tokenizer(" ".join(known))["input_ids"] == [names.token_to_id[name] for name in known]
    assert tokenizer("nobody <PRED>")["input_ids"] == [names.pad_id] * 2
    model = AutoModelForCausalLM.from_pretrained(folder)
    assert len(model.get_input_embeddings().weight) == names.size - 1
    assert pipeline("text-generation", model=str(folder))(f"nobody {known[3]}", max_new_tokens=2)


def test_what_can_not_be_exported(adapted, whole, tmp_path):
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken/mine.txt").write_text("mine")
    with pytest.raises(JepaError, match="there is something already"):
        jepa_core.export(whole.run, tmp_path / "taken")
    assert files(tmp_path / "taken") == {"mine.txt"}
    with pytest.raises(JepaError, match="nothing to merge"):
        jepa_core.export(whole.run, tmp_path / "to", merge=True)
    with pytest.raises(JepaError, match="add --merge"):
        jepa_core.export(adapted.run, tmp_path / "to", keep_predictors=True)
    with pytest.raises(JepaError, match="no finished run"):
        jepa_core.export(tmp_path, tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_adapters_in_the_folder_of_a_run_without_them_are_not_followed(whole, adapted, tmp_path):
    shutil.copytree(whole.run, tmp_path / "run")
    shutil.copy(adapted.run / "model/adapter_config.json", tmp_path / "run/model")
    with pytest.raises(JepaError, match=r"adapter_config\.json, which would have weights of another folder read"):
        jepa_core.export(tmp_path / "run", tmp_path / "to")


def test_a_damaged_adapter_is_told(adapted, tmp_path):
    shutil.copytree(adapted.run, tmp_path / "run")
    (tmp_path / "run/model/adapter_model.safetensors").write_bytes(b"nothing")
    with pytest.raises(JepaError, match=r"adapter_model\.safetensors: can't be read"):
        jepa_core.load(tmp_path / "run", REGISTRY)


def test_adapters_of_another_rank_are_not_taken(adapted, tmp_path):
    shutil.copytree(adapted.run, tmp_path / "run")
    recipe = tmp_path / "run/recipe.resolved.yaml"
    recipe.write_text(recipe.read_text().replace("    r: 2\n", "    r: 3\n"))
    with pytest.raises(JepaError, match=r"do not fit the recipe: 8 of another shape \(.*2×32, not 3×32"):
        jepa_core.load(tmp_path / "run", REGISTRY)


def test_adapters_alone_have_no_rows_of_tokens(adapted, tmp_path):
    folder = jepa_core.export(adapted.run, tmp_path / "to", registry=REGISTRY)
    names = list(load_file(folder / "adapter_model.safetensors"))
    assert len(names) == 8
    assert all(".lora_" in name for name in names)
    assert json.loads((folder / "adapter_config.json").read_text())["trainable_token_indices"] is None


def test_the_recipe_says_which_model_is_adapted_not_the_adapters(adapted, tmp_path):
    shutil.copytree(adapted.run, tmp_path / "run")
    config = tmp_path / "run/model/adapter_config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "base_model_name_or_path": "/nowhere"}))
    model = jepa_core.load(tmp_path / "run", REGISTRY).model
    torch.testing.assert_close(adapted.logits(model), adapted.logits(adapted.model), rtol=0, atol=0)
