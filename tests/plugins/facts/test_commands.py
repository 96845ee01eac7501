from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from jepa_core.cli.main import app
from jepa_plugins.facts.folder import read_folder
from jepa_plugins.facts.generate import generate_task
from jepa_plugins.facts.store import read_packed
from jepa_plugins.facts.task_size import TaskSize
from tests.plugins.facts.specimen import contents, same_task, write

SIZES = ["--entities-both-ways", "20", "--entities-one-way", "10", "--evaluation-samples", "6"]


def run(*words: object):
    return CliRunner().invoke(app, ["data", *map(str, words)])


@pytest.mark.parametrize(("options", "shared_by"), [(["--name-multiplicity", "5"], 5), (["--one-token-names"], None)])
def test_generate_writes_what_the_options_say(tmp_path, options, shared_by):
    result = run("generate", tmp_path / "task", "--seed", 3, *SIZES, *options)
    assert result.exit_code == 0, result.output
    assert "50 training facts about 30 entities, 6 train + 6 atomic + 6 test to ask" in result.output
    assert same_task(read_folder(tmp_path / "task"), generate_task(TaskSize(20, 10, 2, shared_by, 6), seed=3))


def test_generate_overwrites_only_when_told(tmp_path):
    folder = write(tmp_path / "task", contents())
    before = (folder / "train.json").read_bytes()
    result = run("generate", folder)
    assert (result.exit_code, "--overwrite replaces" in result.output) == (1, True)
    assert (folder / "train.json").read_bytes() == before
    assert run("generate", folder, "--overwrite", "--name-multiplicity", 5, *SIZES).exit_code == 0
    assert len(read_folder(folder).train) == 50


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--entities-both-ways", "21"], "entities_both_ways: expected an even number"),
        (["--name-multiplicity", "0"], "name_multiplicity: expected 1, 2,"),
        (["--name-multiplicity", "5", "--one-token-names"], "--name-multiplicity: has no effect"),
        (["--seed", "-1"], "seed: expected 0 or more"),
    ],
)
def test_mistakes_are_one_message_and_nothing_is_written(tmp_path, options, expected):
    result = run("generate", tmp_path / "task", *options)
    assert result.exit_code == 1
    assert expected in result.output
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


def test_check_shows_sets_and_relations(tmp_path):
    folder = write(tmp_path / "task", contents())
    result = run("check", folder)
    assert result.exit_code == 0, result.output
    assert "train.json, atomic" in result.output
    assert "<r_inv>" in result.output
    assert "13 tokens in the vocabulary, 13 rows in an embedding table" in result.output


def test_check_names_what_is_wrong(tmp_path):
    folder = write(tmp_path / "task", {**contents(), "valid.json": "{"})
    result = run("check", folder)
    assert result.exit_code == 1
    assert f"{folder}/valid.json: line 1, column 2: expected JSON" in result.output


def test_pack_writes_what_check_accepts(tmp_path):
    source = write(tmp_path / "task", contents())
    result = run("pack", source, tmp_path / "packed")
    assert result.exit_code == 0, result.output
    assert "packed: packed and checked" in result.output
    checked = run("check", tmp_path / "packed")
    assert checked.exit_code == 0, checked.output
    assert all(line in checked.output for line in ("train", "valid, test"))
    again = run("pack", source, tmp_path / "packed")
    assert (again.exit_code, "--overwrite replaces it" in again.output) == (1, True)
    assert run("pack", source, tmp_path / "packed", "--overwrite").exit_code == 0


def test_pack_says_how_many_facts_were_there_twice(tmp_path):
    data = contents()
    data["train.json"] += data["train.json"][:2]
    result = run("pack", write(tmp_path / "task", data), tmp_path / "packed")
    assert "(2 that were there twice left out)" in " ".join(result.output.split())


def test_pack_names_what_is_wrong(tmp_path):
    source = write(tmp_path / "task", {**contents(), "train.json": "[{]"})
    result = run("pack", source, tmp_path / "packed")
    assert (result.exit_code, "Traceback" in result.output) == (1, False)
    assert "train.json: line 1, column 3: expected JSON" in result.output
    assert not (tmp_path / "packed").exists()


def test_generate_packed_is_the_task_packed(tmp_path):
    result = run("generate", tmp_path / "packed", "--packed", "--seed", 3, *SIZES, "--name-multiplicity", 5)
    assert result.exit_code == 0, result.output
    packed, task = read_packed(tmp_path / "packed"), generate_task(TaskSize(20, 10, 2, 5, 6), seed=3)
    assert packed.train.facts.ids.tolist() == task.train.facts.ids.tolist()
    again = run("generate", tmp_path / "packed", "--packed", *SIZES, "--name-multiplicity", 5)
    assert (again.exit_code, "--overwrite replaces it" in again.output) == (1, True)


def test_check_finds_a_changed_byte_in_a_packed_task(tmp_path):
    run("pack", write(tmp_path / "task", contents()), tmp_path / "packed")
    path = tmp_path / "packed" / "train.types.uint8"
    path.write_bytes(b"\1" + path.read_bytes()[1:])
    result = run("check", tmp_path / "packed")
    assert result.exit_code == 1
    assert "train.types.uint8: expected the types that the manifest counts; it was changed since" in result.output
    result = run("check", tmp_path / "packed", "--relations", "r.yaml")
    assert (result.exit_code, "--relations: has no effect" in result.output) == (1, True)


def test_help_needs_no_torch():
    code = "import sys, jepa_plugins.facts.commands; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
