from __future__ import annotations

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from jepa_core.cli.main import app
from jepa_core.data.folder import read_folder
from jepa_core.data.generate import generate
from jepa_core.data.task_size import TaskSize
from tests.core.data.specimen import contents, same_task, write

SIZES = ["--entities-both-ways", "20", "--entities-one-way", "10", "--evaluation-samples", "6"]


def run(*words: object):
    return CliRunner().invoke(app, ["data", *map(str, words)])


@pytest.mark.parametrize(
    ("options", "shared_by"), [(["--name-multiplicity", "5"], 5), (["--one-token-names"], None)]
)
def test_generate_writes_what_the_options_say(tmp_path, options, shared_by):
    result = run("generate", tmp_path / "task", "--seed", 3, *SIZES, *options)
    assert result.exit_code == 0, result.output
    assert "50 training facts about 30 entities, 6 train + 6 atomic + 6 test to ask" in result.output
    assert same_task(read_folder(tmp_path / "task"), generate(TaskSize(20, 10, 2, shared_by, 6), seed=3))


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


def test_help_needs_no_torch():
    code = "import sys, jepa_core.cli.data; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
