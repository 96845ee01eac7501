"""The model of a recipe: sized by the data, or pretrained and made to fit."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch
from safetensors.torch import load_file, save_file

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


def test_kinds_that_want_a_number_for_the_first_token_keep_theirs():
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4}
    model = build(config={"model_type": "cwm", "num_key_value_heads": 2, "head_dim": 8, **sizes})
    assert model.config.bos_token_id == 128000


def test_padding_freezes_no_row():
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4}
    tables = [m for m in build(config={"model_type": "llama", **sizes}).modules() if isinstance(m, torch.nn.Embedding)]
    assert [table.padding_idx for table in tables] == [None]


def test_an_attention_that_a_kind_does_not_have_names_the_one_it_has():
    sizes = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 4}
    with pytest.raises(JepaError, match=r"no sdpa attention; set model\.attn_implementation: eager"):
        build(config={"model_type": "gpt_oss", "num_key_value_heads": 2, **sizes})


def test_more_than_the_memory_holds_is_told(monkeypatch):
    def full(*args, **options):
        raise RuntimeError("[enforce fail at alloc_cpu.cpp:1] DefaultCPUAllocator: can't allocate memory: you tried")

    monkeypatch.setattr("transformers.AutoModelForCausalLM.from_config", full)
    with pytest.raises(JepaError, match=r"^model: its weights do not fit into the memory of this machine$"):
        build()


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
        with pytest.raises(JepaError, match=r"^model .*/nothing: not found"):
            build(pretrained=str(tmp_path / "nothing"))

    def test_it_is_looked_for_beside_the_recipe(self, tmp_path):
        saved(tmp_path / "small", 20)
        section = ModelSection.model_validate({"pretrained": "small"})
        assert build_model(section, VOCABULARY, (Path(), tmp_path)).config.vocab_size == 20

    @pytest.mark.parametrize("name", ["transformer.ln_f.weight", "transformer.h.0.ln_1.bias", "x.y"])
    def test_weights_of_another_model_are_none(self, tmp_path, name):
        path = Path(saved(tmp_path, 20)) / "model.safetensors"
        state = load_file(path)
        state["x.y"] = state.pop(name, torch.zeros(1))
        save_file(state, path, metadata={"format": "pt"})
        missing = "" if name == "x.y" else f"1 missing ({name}); "
        with pytest.raises(JepaError) as caught:
            build(pretrained=str(tmp_path))
        wanted = f"model {tmp_path}: its weights do not fit its configuration: {missing}1 unexpected (x.y)"
        assert str(caught.value) == wanted

    def test_the_row_of_its_padding_token_is_trained(self, tmp_path):
        """A published model's padding token may be a word of the data."""
        small_model("llama", pad_token_id=0).save_pretrained(tmp_path)
        model = build(pretrained=str(tmp_path))
        assert model.config.pad_token_id == 0
        model(input_ids=torch.tensor([[0, 1, 2]])).logits[0, 2, 5].backward()
        assert model.get_input_embeddings().weight.grad[0].any()

    def test_code_in_its_folder_is_not_run_and_nobody_is_asked(self, tmp_path, monkeypatch):
        saved(tmp_path, 20)
        (tmp_path / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
        config = json.loads((tmp_path / "config.json").read_text())
        config |= {"model_type": "evil", "auto_map": {"AutoConfig": "evil.C", "AutoModelForCausalLM": "evil.M"}}
        (tmp_path / "config.json").write_text(json.dumps(config))
        monkeypatch.setattr("builtins.input", lambda *_: "y")
        with pytest.raises(JepaError, match=r"^model .*: it needs code of its own, which is not run here"):
            build(pretrained=str(tmp_path))
        assert not (tmp_path / "ran").exists()

    @pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
    def test_a_damaged_folder_is_named(self, tmp_path, file):
        saved(tmp_path, 20)
        content = (tmp_path / file).read_bytes()
        (tmp_path / file).write_bytes(content[: len(content) // 3])
        with pytest.raises(JepaError) as caught:
            build(pretrained=str(tmp_path))
        assert str(caught.value).startswith(f"model {tmp_path}: ")


class TestConfigByName:
    def test_the_architecture_of_a_folder_with_new_weights_and_the_datas_tokens(self, tmp_path):
        old = small_model("llama", vocab_size=50, eos_token_id=7, rms_norm_eps=1e-3, num_hidden_layers=3)
        old.save_pretrained(tmp_path / "base")
        section = ModelSection.model_validate({"config": "base"})
        torch.manual_seed(1)
        model = build_model(section, VOCABULARY, (Path("nowhere"), tmp_path))
        assert (model.config.model_type, len(model.model.layers), model.config.rms_norm_eps) == ("llama", 3, 1e-3)
        assert (model.config.vocab_size, model.config.pad_token_id, model.config.eos_token_id) == (12, 10, None)
        weights = [m.model.layers[0].self_attn.q_proj.weight for m in (model, old)]
        assert weights[0].shape == weights[1].shape
        assert not torch.equal(*weights)
        same = {key: value for key, value in old.config.to_dict().items() if key in ("head_dim", "rope_parameters")}
        assert same.items() <= model.config.to_dict().items()

    def test_a_type_of_weights_is_not_part_of_it(self, tmp_path):
        small_model().to(torch.bfloat16).save_pretrained(tmp_path)
        assert build(config=str(tmp_path)).dtype == torch.float32

    @pytest.mark.parametrize(("name", "told"), [("./none", "not found"), ("gpt2-not-here", "HF_HUB_OFFLINE")])
    def test_what_is_not_there_is_told_at_once(self, monkeypatch, name, told):
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        with pytest.raises(JepaError, match=told):
            build(config=name)


class TestLora:
    LORA: ClassVar = {"r": 2, "target_modules": ["c_attn"]}

    def test_adapters_and_the_rows_that_the_data_adds_are_trained(self, tmp_path):
        model = build(pretrained=saved(tmp_path, 9), lora=self.LORA)
        trained = {name: tuple(p.shape) for name, p in model.named_parameters() if p.requires_grad}
        rows = {name: shape for name, shape in trained.items() if "lora_" not in name}
        assert rows == {"transformer.wte.token_adapter.trainable_tokens_delta.default": (3, 32)}
        assert len(trained) == 1 + 2 * 2

    def test_where_the_data_adds_none_there_are_adapters_alone(self, tmp_path):
        model = build(pretrained=saved(tmp_path, 20), lora=self.LORA)
        trained = [name for name, p in model.named_parameters() if p.requires_grad]
        assert len(trained) == 2 * 2
        assert all("lora_" in name for name in trained)
