"""Folders that people give as a pretrained model, and what is told of those that are none."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from jepa_core.recipe.model_folder import folder_problem, place_of
from tests.core.recipe.test_weight_files import tensors

KNOWN = ("gpt2", "llama")


def model(folder: Path, **config: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps({"model_type": "gpt2", **config}))
    (folder / "model.safetensors").write_bytes(tensors())
    return folder


def problem(folder: Path, weights: bool = True) -> str:
    words = folder_problem(folder, KNOWN, weights)
    assert "\n" not in words
    return words.replace(str(folder), "m")


def test_a_model_is_one(tmp_path):
    assert problem(model(tmp_path / "m", dtype="bfloat16", torch_dtype="torch.float32")) == ""
    (tmp_path / "linked").symlink_to("m")
    assert problem(tmp_path / "linked") == ""


def test_a_configuration_alone_is_enough_where_no_weights_are_taken(tmp_path):
    (model(tmp_path) / "model.safetensors").unlink()
    assert problem(tmp_path, weights=False) == ""
    assert problem(tmp_path) == "m: has no weights (model.safetensors)"


def test_of_more_than_a_language_model_the_configuration_of_that_is_taken(tmp_path):
    model(tmp_path, model_type="llava", text_config={"model_type": "llama"})
    assert problem(tmp_path, weights=False) == ""
    assert "'llava' is no type of causal language model" in problem(tmp_path)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"model_type": None}, "model_type: is missing or no text; expected gpt2"),
        ({"model_type": 5}, "model_type: is missing or no text"),
        ({"model_type": ["gpt2"]}, "model_type: is missing or no text"),
        ({"model_type": "gpt9"}, "'gpt9' is no type of causal language model; did you mean 'gpt2'?"),
        ({"model_type": "t5"}, "'t5' is no type of causal language model"),
        ({"model_type": "own", "auto_map": {"AutoConfig": "x.C"}}, "it needs code of its own (auto_map), which is ne"),
        (
            {"quantization_config": {"quant_method": "gptq"}},
            'its weights are quantized by "gptq" (quantization_config)',
        ),
        ({"quantization_config": {}}, "its weights are quantized (quantization_config)"),
        ({"quantization_config": "int4"}, "its weights are quantized (quantization_config)"),
        ({"compression_config": {"quant_method": "x"}}, 'its weights are quantized by "x" (compression_config)'),
        ({"text_config": {"quantization_config": {"quant_method": "fp8"}}}, 'its weights are quantized by "fp8"'),
        ({"dtype": "float7"}, "dtype: 'float7' is no type of weights; expected float32"),
        ({"torch_dtype": "int8"}, "torch_dtype: 'int8' is no type of weights"),
    ],
)
def test_configurations_that_are_none_of_a_model_to_train(tmp_path, config, words):
    told = problem(model(tmp_path, **config))
    assert told.startswith("m/config.json: ")
    assert words in told


def test_code_of_a_known_kind_is_not_needed(tmp_path):
    assert problem(model(tmp_path, auto_map={"AutoModelForCausalLM": "x.M"}, quantization_config=None)) == ""


class TestAdapters:
    def adapter(self, folder: Path, **settings: Any) -> None:
        (folder / "adapter_config.json").write_text(json.dumps(settings))

    def test_alone(self, tmp_path):
        self.adapter(tmp_path, base_model_name_or_path="org/base")
        told = problem(tmp_path)
        assert told.startswith(
            "m: is an adapter of org/base (adapter_config.json), no whole model: give that as model."
        )
        assert "export --merge" in told

    def test_beside_a_model(self, tmp_path):
        self.adapter(model(tmp_path))
        assert problem(tmp_path).startswith("m: holds an adapter beside a model (adapter_config.json): merge the two")
        assert problem(tmp_path, weights=False) == ""

    def test_that_is_no_json(self, tmp_path):
        (model(tmp_path) / "adapter_config.json").write_text("{")
        assert problem(tmp_path).startswith("m/adapter_config.json: is no JSON")


class TestOtherFolders:
    def test_of_a_run(self, tmp_path):
        (tmp_path / "recipe.resolved.yaml").touch()
        assert problem(tmp_path) == "m: is the folder of a run; its model is in m/model"

    def test_of_the_cache(self, tmp_path):
        (tmp_path / "snapshots").mkdir()
        assert problem(tmp_path).startswith("m: is a folder of the Hugging Face cache; models are in")

    def test_of_nothing(self, tmp_path):
        assert problem(tmp_path) == "m: has no config.json; expected the folder of a Hugging Face model"

    def test_of_another_form(self, tmp_path):
        (tmp_path / "q4.gguf").touch()
        assert problem(tmp_path).endswith("q4.gguf has GGUF, whose weights can't be trained: give the folder of the "
                                          "model that it was made from")  # fmt: skip

    def test_of_weights_without_a_configuration(self, tmp_path):
        (model(tmp_path) / "config.json").unlink()
        assert problem(tmp_path) == "m: has no config.json; expected the folder of a Hugging Face model"


@pytest.mark.parametrize("kind", ["file", "pipe", "link", "loop"])
def test_what_is_no_folder(tmp_path, kind):
    path = tmp_path / "m"
    make = {
        "file": path.touch,
        "pipe": lambda: os.mkfifo(path),
        "link": lambda: path.symlink_to("nowhere"),
        "loop": lambda: path.symlink_to("m"),
    }
    make[kind]()
    assert place_of("m", (tmp_path / "other", tmp_path)) == path
    wanted = (
        "is a link that leads nowhere" if kind in ("link", "loop") else "is no folder; expected one with config.json"
    )
    assert problem(path).startswith(f"m: {wanted}")


def test_a_file_of_gguf(tmp_path):
    (tmp_path / "q4.gguf").touch()
    assert problem(tmp_path / "q4.gguf").endswith("; weights in GGUF can't be trained")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[1]", "expected a JSON object"),
        ('{"eos_token_id": "x"}', 'eos_token_id: expected the id of a token, not "x"'),
        ('{"eos_token_id": [[1]]}', "eos_token_id: expected the id of a token, not [[1]]"),
        ('{"pad_token_id": [1]}', "pad_token_id: expected the id of a token, not [1]"),
        ('{"eos_token_id": true}', "eos_token_id: expected the id of a token, not true"),
        ('{"eos_token_id": [1, 2], "pad_token_id": 3, "bos_token_id": null, "temperature": 1.5}', ""),
    ],
)
def test_what_a_model_says_of_generation(tmp_path, content, words):
    (model(tmp_path) / "generation_config.json").write_text(content)
    told = problem(tmp_path)
    assert told == (words and f"m/generation_config.json: {told.partition(': ')[2]}")
    assert words in told
