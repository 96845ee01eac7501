"""The model of a recipe: sized by the data, or pretrained and made to fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch
from safetensors.torch import load_file, save_file

import jepa_core.model.build as build_module
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
        with pytest.raises(
            JepaError,
            match=r"config\.json: model_type: .*; it needs code of its own \(auto_map\), which is never run here$",
        ):
            build(pretrained=str(tmp_path))
        assert not (tmp_path / "ran").exists()

    @pytest.mark.parametrize("file", ["model.safetensors", "config.json"])
    def test_a_damaged_folder_is_named(self, tmp_path, file):
        saved(tmp_path, 20)
        content = (tmp_path / file).read_bytes()
        (tmp_path / file).write_bytes(content[: len(content) // 3])
        with pytest.raises(JepaError) as caught:
            build(pretrained=str(tmp_path))
        assert str(caught.value).startswith(f"{tmp_path / file}: ")


class TestFoldersThatAreNoModel:
    def config(self, folder: Path, **changes: Any) -> None:
        path = folder / "config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))

    def weights(self, folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
        path = folder / "model.safetensors"
        state = load_file(path)
        change(state)
        save_file(state, path, metadata={"format": "pt"})

    def told(self, folder: Path) -> str:
        with pytest.raises(JepaError) as caught:
            build(pretrained=str(folder))
        assert "\n" not in str(caught.value)
        return str(caught.value).replace(str(folder), "m")

    def test_it_is_told_before_transformers_reads_it(self, tmp_path):
        (Path(saved(tmp_path, 20)) / "adapter_config.json").write_text("{}")
        assert self.told(tmp_path).startswith("m: holds an adapter beside a model")

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"n_layer": 10**9}, "num_hidden_layers: expected a number from 1 to 10000, not 1000000000"),
            ({"n_layer": 0}, "num_hidden_layers: expected a number from 1 to 10000, not 0"),
            ({"n_head": 0}, "num_attention_heads: expected a number from 1 to 10000, not 0"),
            ({"n_head": 5}, "5 heads don't divide a width of 32"),
            ({"vocab_size": -3}, "vocab_size: expected a number from 1 to 1000000000, not -3"),
            ({"activation_function": "zz"}, "activation_function: unknown activation 'zz'"),
            ({"tie_word_embeddings": "no"}, "Validation error for field 'tie_word_embeddings'"),
            ({"is_encoder_decoder": True}, "its configuration makes it an encoder and a decoder"),
            (
                {"rows_before_new_tokens": "x"},
                "rows_before_new_tokens in its config.json: expected a number from 1 to 20",
            ),
            (
                {"rows_before_new_tokens": 21},
                "rows_before_new_tokens in its config.json: expected a number from 1 to 20",
            ),
            ({"vocab_size": 900_000_000, "n_embd": 32_000}, "900,000,000 tokens have 115,2"),
        ],
    )
    def test_a_configuration_that_can_not_be(self, tmp_path, changes, words):
        saved(tmp_path, 20)
        self.config(tmp_path, **changes)
        assert words in self.told(tmp_path)

    def test_a_configuration_of_a_far_larger_model_is_told_before_that_is_made(self, tmp_path, capfd):
        """transformers would make 6 billion new weights first."""
        saved(tmp_path, 20)
        self.config(tmp_path, model_type="llama")
        assert "that makes a model of 6,476," in self.told(tmp_path)
        assert capfd.readouterr() == ("", "")

    def test_weights_that_are_tied_and_differ(self, tmp_path):
        saved(tmp_path, 20)
        self.weights(tmp_path, lambda w: w.update({"lm_head.weight": w["transformer.wte.weight"] + 1}))
        assert "says that lm_head.weight is tied to another weight, and its files hold two that differ" in self.told(
            tmp_path
        )
        self.config(tmp_path, tie_word_embeddings=False)
        model = build(pretrained=str(tmp_path))
        rows = model.get_output_embeddings().weight[:20] - model.get_input_embeddings().weight[:20]
        torch.testing.assert_close(rows, torch.ones_like(rows))

    def test_weights_that_are_tied_and_of_other_shapes(self, tmp_path):
        saved(tmp_path, 20)
        self.weights(tmp_path, lambda w: w.update({"lm_head.weight": torch.zeros(30, 32)}))
        assert "two that should be one are of other shapes" in self.told(tmp_path)

    @pytest.mark.parametrize("value", [float("nan"), float("inf")])
    def test_a_weight_that_is_no_number(self, tmp_path, value):
        saved(tmp_path, 20)
        self.weights(tmp_path, lambda w: w["transformer.wte.weight"][3].fill_(value))
        assert self.told(tmp_path) == "model m: its weights are not all finite numbers (transformer.wte.weight)"

    def test_buffers_of_older_versions_are_passed_over(self, tmp_path):
        saved(tmp_path, 20)
        self.weights(tmp_path, lambda w: w.update({"transformer.h.0.attn.masked_bias": torch.tensor(-1e4)}))
        build(pretrained=str(tmp_path))

    def test_pickled_weights_are_read_and_code_in_them_never_runs(self, tmp_path):
        saved(tmp_path, 20)
        state = load_file(tmp_path / "model.safetensors")
        (tmp_path / "model.safetensors").unlink()
        torch.save(state, tmp_path / "pytorch_model.bin")
        row = build(pretrained=str(tmp_path)).get_input_embeddings().weight[3]
        assert torch.equal(row, state["transformer.wte.weight"][3])
        whole = (tmp_path / "pytorch_model.bin").read_bytes()
        (tmp_path / "pytorch_model.bin").write_bytes(whole[: -len(whole) // 10])
        assert self.told(tmp_path) == "model m: a file of its weights is damaged"
        torch.save({**state, "x": Evil(tmp_path / "ran")}, tmp_path / "pytorch_model.bin")
        assert "holds more than tensors" in self.told(tmp_path)
        assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (SimpleNamespace(_hf_peft_config_loaded=True), "is an adapter, no whole model"),
        (SimpleNamespace(config=SimpleNamespace(quantization_config={"quant_method": "x"})), 'are quantized by "x"'),
    ],
)
def test_what_an_id_of_the_hub_turned_out_to_be(model, words):
    assert words in build_module._unfit(model)


class Evil:
    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self) -> tuple:
        return (Path.touch, (self.path,))


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
