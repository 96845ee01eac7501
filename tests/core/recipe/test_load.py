from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import jepa_core
from jepa_core.errors import JepaError, RecipeError
from jepa_core.recipe.load import load_recipe
from jepa_core.recipe.resolve import dump_yaml, resolved
from jepa_core.recipe.sources import shipped_recipes
from jepa_core.registry import Registry

FIVE_MISTAKES = """\
sead: 1
data: reversal_curse
model:
  config: {model_type: gpt2, n_lyer: 2}
objective:
  k: two
  distance: {name: cosine, epss: 1e-6}
training:
  max_steps: 5
  push_to_hub: true
"""


def test_five_mistakes_are_five_lines(mistakes):
    assert mistakes(FIVE_MISTAKES) == [
        "r.yaml:1: sead: unknown key; did you mean 'seed'?",
        "r.yaml:4: model.config.n_lyer: unknown key of a gpt2 configuration; did you mean 'n_layer'?",
        "r.yaml:6: objective.k: expected a whole number, not the text 'two'",
        "r.yaml:7: objective.distance.epss: unknown option of 'cosine' (from jepa-core); did you mean 'eps'?",
        "r.yaml:10: training.push_to_hub: not for a recipe: a run never uploads anything; upload the run's "
        "model/ folder yourself",
    ]


def test_mistakes_of_the_file_and_of_overrides_come_together(mistakes):
    found = mistakes("objective:\n  k: 1\n  k: 2\n", "objective.kk=1", "objective.distance=cosin", "nonsense")
    assert [line.split(": ")[0] for line in found] == [
        "r.yaml:3",
        "command line",
        "command line",
        "command line",
    ]
    assert "command line: objective.kk: unknown key; did you mean 'k'?" in found


def test_an_override_mends_a_mistake(load):
    assert load("objective: {k: two}", "objective.k=2").objective.k == 2


def test_the_smallest_recipe_is_complete(load):
    recipe = load("description: x")
    assert recipe.output_dir == "runs/r"
    assert recipe.model.config["model_type"] == "gpt2"
    assert recipe.source_path == Path("r.yaml")


def test_a_file_in_another_folder_is_named_as_it_was_typed(tmp_path, monkeypatch, registry):
    monkeypatch.chdir(tmp_path)
    Path("mine").mkdir()
    Path("mine/first.yaml").write_text("seed: x")
    with pytest.raises(RecipeError, match=r"^mine/first\.yaml:1: seed: expected a whole number"):
        load_recipe("mine/first.yaml", registry=registry)
    recipe = load_recipe(Path("mine/first.yaml"), ["seed=1"], registry)
    assert recipe.output_dir == "runs/first"
    assert recipe.search[:2] == (Path(), Path("mine"))


def test_a_resolved_recipe_looks_where_its_run_did_before_anywhere_else(load):
    recipe = load("resolved: {search: [/old, /other]}\n")
    assert recipe.search[:4] == (Path("/old"), Path("/other"), Path(), Path())
    assert load("seed: 1\n").search[:2] == (Path(), Path())


def test_yaml_that_cannot_be_read_is_one_line(mistakes):
    assert mistakes("seed: [1") == [
        "r.yaml:1: not valid YAML: expected ',' or ']', but got '<stream end>', while parsing a flow sequence"
    ]
    assert mistakes("") == ["r.yaml:1: the file is empty"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("training: {learning_rate: 1e-3}", None),
        ("evaluation: {per_layer: on}", "expected true or false, not the text 'on'"),
        ("seed: 1\nseed: 2", "given twice, first on line 1"),
        ("seed: 1_000", "expected a whole number, not the text '1_000'"),
        ("seed: " + "1" * 5000, "a number of 5000 characters"),
        ("seed: !!int '1'", "the tag '!!int' is not allowed"),
        ("data: " + "[" * 3000, "nested deeper than 20 levels"),
        ("model: {config: {model_type: gpt2, vocab_size: 5}}", "not here: the data sets it"),
        ("resolved: {anything: [goes]}", None),
        ("training: {max_steps: 1, auto_find_batch_size: true}", "it would change the batch size"),
        ("training: {deepspeed: ds.json}", "fsdp: true splits the same"),
        ("training: {fsdp: full_shard}", "expected true or false"),
        ("training: {fsdp: true, fsdp_config: {version: 1}}", "training.fsdp_config.version"),
        ("training: {fsdp: true, fsdp_config: {cpu_offload: true}}", "nobody has tested it"),
        ("training: {fsdp: true, fsdp_config: {reshard_after_foward: true}}", "did you mean 'reshard_after_forward'"),
        ("training: {fsdp: true, torch_compile: true}", "does not go with fsdp"),
        ("training: {fsdp: true, fsdp_config: {reshard_after_forward: false}}", None),
        ("training: {label_smoothing_factor: 0.1}", "it would change the NTP loss"),
    ],
)
def test_traps(mistakes, text, words):
    found = mistakes(text)
    assert len(found) == (words is not None)
    assert words is None or words in found[0]


def test_floats_without_a_dot_are_numbers(load):
    assert load("training: {learning_rate: 1e-3}").training.learning_rate == 0.001


def test_what_turns_out_wrong_later_has_a_line_too(load):
    recipe = load("seed: 1\nobjective:\n  distance: {name: cosine, eps: -1}\n", "objective.k=3")
    assert str(recipe.error("objective.distance.eps", "bad")) == "r.yaml:3: objective.distance.eps: bad"
    assert str(recipe.error("objective.k", "bad")) == "command line: objective.k: bad"
    assert str(recipe.error("objective.filters.1.rate", "bad")) == "r.yaml:2: objective.filters.1.rate: bad"


AUDIT = """
import json, sys
from jepa_core.recipe.load import load_recipe
sys.path.insert(0, sys.argv[1])
from fakes import FakeRegistry
load_recipe("r.yaml", ["objective.k=2"], FakeRegistry())  # what it imports itself is there now
seen = []
watched = {"open", "import", "exec", "compile", "os.system", "subprocess.Popen", "socket.connect", "os.mkdir"}
sys.addaudithook(lambda event, args: seen.append((event, str(args[0]))) if event in watched else None)
load_recipe("r.yaml", ["objective.k=2"], FakeRegistry())
watched = set()
print(json.dumps(seen))
"""


def test_loading_opens_the_recipe_and_runs_nothing(tmp_path):
    (tmp_path / "evil.py").write_text("raise SystemExit('imported')")
    text = """
description: evil
output_dir: evil
plugins: [jepa-core]
data: {name: reversal_curse, path: evil.py}
model: {pretrained: evil}
objective: {reversal: {name: table, path: evil.py}}
"""
    (tmp_path / "r.yaml").write_text(text)
    here = str(Path(__file__).parent)
    done = subprocess.run([sys.executable, "-c", AUDIT, here], cwd=tmp_path, capture_output=True, text=True, check=True)
    seen = json.loads(done.stdout)
    assert [args for event, args in seen if event == "open"] == ["r.yaml"]
    assert {event for event, _ in seen} <= {"open", "compile", "exec"}
    assert not any("evil" in args for _, args in seen)
    assert {path.name for path in tmp_path.iterdir()} == {"evil.py", "r.yaml"}


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_shipped_recipes_load_and_load_again_when_resolved(name, tmp_path):
    registry = Registry.discover()
    data = resolved(load_recipe(name, registry=registry), registry)
    assert data["output_dir"] == f"runs/{name}"
    (tmp_path / "recipe.resolved.yaml").write_text(dump_yaml({**data, "resolved": {"plugins": {}}}))
    assert resolved(load_recipe(tmp_path / "recipe.resolved.yaml"), registry) == data


def test_without_a_registry_the_installed_components_count(tmp_path):
    path = tmp_path / "r.yaml"
    path.write_text("objective: {distance: {name: cosine, epss: 1}}")
    with pytest.raises(RecipeError, match=r"unknown option of 'cosine' \(from jepa-core\); did you mean 'eps'\?"):
        load_recipe(path)


@pytest.mark.parametrize("overrides", ["objective.k=2", [5], [None]])
def test_overrides_are_a_list_of_texts(overrides):
    """A text alone was read letter by letter."""
    with pytest.raises(JepaError, match=r"overrides: expected a list of KEY=VALUE, like \['objective.k=2'\], not "):
        load_recipe("cosine_k1", overrides)


@pytest.mark.parametrize("function", [jepa_core.build, jepa_core.run])
@pytest.mark.parametrize("given", ["cosine_k1", None])
def test_the_name_of_a_recipe_is_no_recipe(function, given):
    with pytest.raises(JepaError, match=r"expected a recipe, as jepa_core.load_recipe gives it, not "):
        function(given)
