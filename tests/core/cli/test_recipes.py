"""``validate``, ``cp`` and ``schema``."""

from __future__ import annotations

import json
from pathlib import Path

from jepa_core.recipe.sources import shipped_recipes

from .conftest import FAR


def test_a_valid_recipe_is_said_to_be(cli):
    done = cli("validate", "tiny.yaml", "objective.k=2")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "tiny.yaml: valid\n", "")


def test_overrides_are_validated_too(cli):
    done = cli("validate", "tiny.yaml", "objective.k=two", "objectiv.k=2")
    assert done.exit_code == 2
    assert done.stderr.splitlines() == [
        "command line: objective.k: expected a whole number, not the text 'two'",
        "command line: objectiv: unknown key; did you mean 'objective'?",
        "2 problems; nothing was run",
    ]


def test_a_copy_is_the_recipe_and_valid(cli):
    done = cli("cp", "cosine_k1", "mine.yaml")
    assert done.stdout == "mine.yaml: a copy of cosine_k1; run it with: jepa-run mine.yaml\n"
    assert Path("mine.yaml").read_bytes() == shipped_recipes()["cosine_k1"].read_bytes()
    assert cli("validate", "mine.yaml").exit_code == 0


def test_into_a_folder_it_keeps_its_name(cli):
    Path("folder").mkdir()
    assert cli("cp", "cosine_k1", "folder").exit_code == 0
    assert Path("folder/cosine_k1.yaml").is_file()


def test_nothing_is_overwritten(cli):
    Path("mine.yaml").write_text("mine")
    done = cli("cp", "cosine_k1", "mine.yaml")
    assert (done.exit_code, done.stderr) == (1, "jepa-run: mine.yaml: exists already, and is left as it is\n")
    assert Path("mine.yaml").read_text() == "mine"


def test_what_can_not_be_copied_is_named(cli):
    assert "no shipped recipe is called 'cosin_k1'; did you mean 'cosine_k1'?" in cli("cp", "cosin_k1", "a.yaml").stderr
    done = cli("cp", "cosine_k1", "no-folder/a.yaml")
    assert (done.exit_code, done.stderr) == (1, "jepa-run: no-folder/a.yaml: No such file or directory\n")


def test_a_copy_finds_the_data_of_the_recipe(cli):
    cli("cp", "wordnet_cosine_k1", "mine.yaml")
    done = cli("mine.yaml", "--dry-run", "model.config.n_layer=1", "model.config.n_embd=8")
    assert done.exit_code == 0, done.stderr
    assert "facts: 1,7" in done.stdout


def test_the_schema_is_json_with_the_components_there_are(cli):
    Path("far.py").write_text(FAR)
    done = cli("schema", "--plugin", "far.py")
    schema = json.loads(done.stdout)
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert {"description", "seed", "data", "model", "objective", "training"} <= set(schema["properties"])
    (far,) = (
        d for d in schema["$defs"]["distance"]["oneOf"] if d.get("properties", {}).get("name") == {"const": "far"}
    )
    assert far["properties"]["power"] == {"type": "integer", "default": 2}


class TestWithItsData:
    def test_all_of_it_is_read(self, cli):
        done = cli("validate", "tiny.yaml", "--data")
        assert done.exit_code == 0, done.output
        assert "data       reversal_curse: 25 training samples" in done.stdout
        assert done.stdout.endswith("tiny.yaml: valid, with its data\n")
        assert [path.name for path in Path().iterdir()] == ["tiny.yaml"]

    def test_what_is_wrong_in_it_is_told(self, cli):
        cli("data", "generate", "task")
        Path("task/train.json").write_text("[")
        arguments = ("validate", "cosine_k1", "data.path=task")
        assert cli(*arguments).exit_code == 0  # the file is there
        done = cli(*arguments, "--data")
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr.startswith("jepa-run: task/train.json: line 1")

    def test_a_packed_task_is_read_in_full(self, cli):
        cli("data", "generate", "task", "--packed")
        arguments = ("validate", "cosine_k1", "data.path=task", "--data")
        assert cli(*arguments).exit_code == 0
        file = Path("task/train.types.uint8")
        file.write_bytes(bytes(1) + file.read_bytes()[:-1])
        assert "was changed since it was packed" in cli(*arguments).stderr


def test_plugins_run_where_their_source_does_not_say_all(cli):
    computed = FAR.replace('return {"far": Far}', 'return {name: Far for name in ("far",)}')
    Path("far.py").write_text(computed)
    done = cli("validate", "tiny.yaml", "--plugin", "far.py", "objective.distance=far")
    assert (done.exit_code, done.stdout) == (0, "tiny.yaml: valid\n")
    doubts = (
        "plugin far.py: says what it offers only when it runs; distance 'far': may be of far.py, which says so only"
    )
    assert done.stderr == f"plugins are run: {doubts} when it runs\n"
    done = cli("validate", "tiny.yaml", "--plugin", "far.py", "objective.distance=fra", "data.path=nowhere")
    assert done.exit_code == 2
    assert "no distance is called 'fra'; did you mean 'far'?" in done.stderr
    assert "data.path: nowhere: not found" in done.stderr


def test_what_components_refuse_comes_with_the_rest(cli):
    """Counts also components that refuse only when they are made."""
    Path("far.py").write_text(FAR.replace("self.power = power", 'raise ValueError(f"power: not {power}")'))
    done = cli("tiny.yaml", "--plugin", "far.py", "objective.distance={name: far, power: 3}", "objective.kk=1")
    assert done.exit_code == 2
    assert done.stderr.splitlines() == [
        "command line: objective.kk: unknown key; did you mean 'k'?",
        "command line: objective.distance.power: 'far' (from far): not 3",
        "2 problems; nothing was run",
    ]
