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
