"""A run saves what it trained, wherever that is read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

import jepa_core
from jepa_core.assembly.load import evaluate_again
from jepa_core.errors import JepaError
from jepa_core.launch.run import Result
from jepa_core.registry import Registry
from tests.support import small_model

TINY = [
    "data={name: reversal_curse, entities_both_ways: 20, entities_one_way: 10, relation_pairs: 1}",
    "data.name_multiplicity=null",
    "model.config={model_type: gpt2, n_layer: 1, n_embd: 16, n_head: 2, n_positions: 16}",
    "training={max_steps: 3, per_device_train_batch_size: 8, learning_rate: 1e-2}",
]
PLUGIN = """
from torch import nn
from jepa_core import hookimpl

class Projected(nn.Module):
    def __init__(self, context):
        super().__init__()
        self.projection = nn.Linear(context.width, 4, bias=False)
        self.register_buffer("scale", 2 * self.projection.weight.new_ones(()))

    def forward(self, predicted, target):
        return self.scale * self.projection(predicted - target).square().sum(dim=-1)

class Head(nn.Linear):
    def __init__(self, context, bias: bool = True):
        super().__init__(context.width, context.width, bias)

    def forward(self, hidden, valid, tags):
        return super().forward(hidden[:, 0])

@hookimpl
def jepa_distance_functions():
    return {"projected": Projected}

@hookimpl
def jepa_embedding_extractors():
    return {"head": Head}
"""


def run(folder: Path, *overrides: str, registry: Registry | None = None) -> Result:
    overrides = (*TINY, f"output_dir={folder}", *overrides)
    return jepa_core.run(jepa_core.load_recipe("cosine_k1", overrides, registry), registry=registry)


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Result:
    return run(tmp_path_factory.mktemp("saving") / "run")


@pytest.fixture(scope="module")
def registry(tmp_path_factory) -> Registry:
    path = tmp_path_factory.mktemp("plugin") / "learning.py"
    path.write_text(PLUGIN)
    registry = Registry.discover()
    registry.add_file(path)
    return registry


@pytest.fixture(scope="module")
def learned(registry, tmp_path_factory) -> Result:
    """A run whose distance and extractor have parameters."""
    folder = tmp_path_factory.mktemp("learned") / "run"
    return run(folder, "objective.distance=projected", "objective.embedding=head", registry=registry)


@pytest.fixture
def copy(finished, tmp_path) -> Path:
    """The run's folder, to be damaged."""
    return Path(shutil.copytree(finished.output_dir, tmp_path / "copy"))


class TestLoad:
    def test_the_losses_are_those_of_the_run(self, finished):
        assert evaluate_again(finished.output_dir) == finished.metrics
        assert finished.metrics["train"]["jepa_loss"] is not None

    def test_everything_of_the_run_is_there_in_evaluation_mode(self, finished):
        again = jepa_core.load(finished.output_dir)
        assert set(again.components) == {"reversal", "mask", "embedding", "predictor", "distance", "filter"}
        assert type(again.components["distance"]).__name__ == "CosineDistance"
        assert again.model is again.objective.model
        assert not again.model.training
        assert again.vocabulary.pred_ids == (again.vocabulary.size - 1,)
        assert again.recipe.training.max_steps == 3

    def test_the_folder_is_one_of_transformers(self, finished):
        ours = jepa_core.load(str(finished.output_dir)).model
        theirs = AutoModelForCausalLM.from_pretrained(finished.output_dir / "model").eval()
        ids = torch.arange(12).view(2, 6)
        with torch.no_grad():
            assert torch.equal(ours(input_ids=ids).logits, theirs(input_ids=ids).logits)
        assert not (finished.output_dir / "model" / "components.safetensors").exists()

    def test_it_can_be_moved(self, finished, copy, monkeypatch):
        monkeypatch.chdir(copy)
        assert evaluate_again(Path()) == finished.metrics


class TestComponentsWithParameters:
    def test_they_are_trained_saved_and_restored(self, learned, registry):
        saved = load_file(learned.output_dir / "model" / "components.safetensors")
        again = jepa_core.load(learned.output_dir, registry)
        fresh = jepa_core.build(again.recipe, registry).objective.distance
        restored = again.components["distance"]
        assert {name for name in saved if "distance" in name} == {"distance.projection.weight", "distance.scale"}
        assert torch.equal(saved["distance.projection.weight"], restored.projection.weight)
        assert not torch.equal(fresh.projection.weight, restored.projection.weight)
        assert evaluate_again(learned.output_dir, registry=registry) == learned.metrics

    def test_an_extractor_named_once_is_shared_by_both_sides(self, learned, registry):
        source, target = jepa_core.load(learned.output_dir, registry).components["embedding"]
        assert source is target
        overrides = [*TINY, "objective.embedding.source=head", "objective.embedding.target={name: head, bias: false}"]
        two = jepa_core.build(jepa_core.load_recipe("cosine_k1", overrides, registry), registry).objective
        assert two.source_embedding is not two.target_embedding

    def test_the_model_beside_them_is_one_of_transformers(self, learned):
        AutoModelForCausalLM.from_pretrained(learned.output_dir / "model")

    def test_without_their_file_nothing_is_loaded(self, learned, registry, tmp_path):
        copy = shutil.copytree(learned.output_dir, tmp_path / "copy")
        (copy / "model" / "components.safetensors").unlink()
        with pytest.raises(JepaError, match=r"components\.safetensors: can't be read: "):
            jepa_core.load(copy, registry)

    def test_without_the_plugin_they_are_named(self, learned):
        with pytest.raises(JepaError, match=r"recipe\.resolved\.yaml:\d+: objective\.distance: no distance is called"):
            jepa_core.load(learned.output_dir)


class TestDamage:
    """Each a message that names the file."""

    @pytest.mark.parametrize("file", ["model/model.safetensors", "vocabulary.json"])
    @pytest.mark.parametrize("kept", [0.0, 0.5, None])
    def test_a_file_missing_or_cut_off(self, copy, file, kept):
        path = copy / file
        content = path.read_bytes()
        path.unlink() if kept is None else path.write_bytes(content[: int(kept * len(content))])
        with pytest.raises(JepaError, match=f"{path.name}: can't be read: "):
            jepa_core.load(copy)

    @pytest.mark.parametrize("file", ["metrics.json", "recipe.resolved.yaml"])
    def test_an_unfinished_run(self, copy, file):
        (copy / file).unlink()
        with pytest.raises(JepaError, match="copy: no finished run there"):
            jepa_core.load(copy)

    def test_a_folder_that_is_not_there(self, tmp_path):
        with pytest.raises(JepaError, match="nothing: no finished run there"):
            jepa_core.load(tmp_path / "nothing")

    @pytest.mark.parametrize("text", ['{"a": 1}', '{"token_to_id": {"a": -1}}', "[" * 100_000])
    def test_a_vocabulary_that_is_none(self, copy, text):
        (copy / "vocabulary.json").write_text(text)
        with pytest.raises(
            JepaError, match=r"vocabulary\.json: (not a saved vocabulary|can't be read: nested too deep)"
        ):
            jepa_core.load(copy)

    def test_data_that_have_other_tokens_by_now(self, copy):
        path = copy / "vocabulary.json"
        saved = json.loads(path.read_text())
        first, second, *_ = saved["token_to_id"]
        ids = saved["token_to_id"]
        ids[first], ids[second] = ids[second], ids[first]
        path.write_text(json.dumps(saved))
        with pytest.raises(JepaError, match="the data have other tokens by now than the run was trained with"):
            jepa_core.load(copy)

    def test_a_resolved_recipe_cut_off(self, copy):
        path = copy / "recipe.resolved.yaml"
        path.write_text(path.read_text()[:300] + "\n  [")
        with pytest.raises(JepaError, match=r"recipe\.resolved\.yaml:\d+: "):
            jepa_core.load(copy)

    def test_a_folder_that_sends_for_weights_of_another(self, copy):
        (copy / "model" / "adapter_config.json").write_text('{"base_model_name_or_path": "elsewhere"}')
        with pytest.raises(JepaError, match=r"holds adapter_config\.json, which would have weights of another"):
            jepa_core.load(copy)

    @pytest.mark.parametrize("change", ["shape", "missing", "unexpected"])
    def test_weights_of_another_model(self, copy, change):
        path = copy / "model" / "model.safetensors"
        state = load_file(path)
        name = "transformer.h.0.mlp.c_fc.weight"
        if change == "missing":
            del state[name]
        else:
            state["x.y" if change == "unexpected" else name] = torch.zeros(3, 3)
        save_file(state, path)
        with pytest.raises(JepaError, match="model: these weights do not fit the recipe: ") as caught:
            jepa_core.load(copy)
        assert ("x.y" if change == "unexpected" else name) in str(caught.value)


@pytest.mark.parametrize("kind", ["gpt_neox", "qwen3_moe"])
def test_kinds_that_are_saved_under_other_names_go_on_bit_by_bit(kind, tmp_path):
    """Stopped after two of four steps; one renames its head, the other splits its experts."""
    sizes = "hidden_size: 16, intermediate_size: 16, num_hidden_layers: 1, num_attention_heads: 2"
    more = {
        "gpt_neox": "max_position_embeddings: 32",
        "qwen3_moe": "num_key_value_heads: 2, num_experts: 2, num_experts_per_tok: 1, moe_intermediate_size: 16",
    }[kind]
    model = f"model.config={{model_type: {kind}, {sizes}, {more}}}"
    steps = "training={max_steps: 4, save_steps: 2, per_device_train_batch_size: 8, learning_rate: 1e-2}"
    whole, stopped = (run(tmp_path / name, model, steps) for name in ("whole", "stopped"))
    for path in ("model", "checkpoints/checkpoint-4"):
        shutil.rmtree(stopped.output_dir / path)
    (stopped.output_dir / "metrics.json").unlink()
    again = run(tmp_path / "stopped", model, steps)
    assert again.state == "resumed"
    assert again.metrics == whole.metrics == evaluate_again(whole.output_dir)
    first, second = (load_file(result.output_dir / "model" / "model.safetensors") for result in (whole, again))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_pretrained_model_is_needed_once(finished, tmp_path):
    """The vocabulary has to grow: 30 rows, and the data have 34 tokens and one predictor."""
    pretrained = tmp_path / "before" / "model"
    small_model(vocab_size=30).save_pretrained(pretrained)
    shutil.copy(finished.output_dir / "vocabulary.json", pretrained.parent)
    result = run(tmp_path / "run", f"model={{pretrained: '{pretrained}'}}")
    shutil.rmtree(pretrained)
    again = jepa_core.load(result.output_dir)
    assert again.vocabulary.size == again.model.config.vocab_size == 35
    assert again.recipe.model.pretrained == str(pretrained)
    assert evaluate_again(result.output_dir) == result.metrics


def test_data_beside_the_recipe_is_found_again_from_anywhere(tmp_path, monkeypatch):
    """The resolved recipe lies in the run's folder, where the data are not."""
    experiment, elsewhere = tmp_path / "experiment", tmp_path / "elsewhere"
    elsewhere.mkdir()
    experiment.mkdir()
    facts = [{"head": f"a{i}", "relation": "has", "tail": f"b{i}"} for i in range(12)]
    facts += [{"head": f["tail"], "relation": "is of", "tail": f["head"]} for f in facts]
    (experiment / "facts.jsonl").write_text("".join(json.dumps(fact) + "\n" for fact in facts))
    (experiment / "relations.yaml").write_text("inverse_pairs: [[has, is of]]\n")
    (experiment / "mine.yaml").write_text(
        "data: {name: facts, path: facts.jsonl, relations: relations.yaml}\nobjective: {reversal: lookup}\n"
    )
    monkeypatch.chdir(tmp_path)
    result = jepa_core.run(jepa_core.load_recipe("experiment/mine.yaml", TINY[2:]))
    assert result.output_dir == Path("runs/mine")
    monkeypatch.chdir(elsewhere)
    assert evaluate_again(tmp_path / "runs" / "mine") == result.metrics
