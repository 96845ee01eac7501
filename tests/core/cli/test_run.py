"""``jepa-run RECIPE``: what it writes, what it refuses to write over, and where its flags land."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
import yaml

from jepa_core.cli.run import folder_beside

from .conftest import FAR, contents


def resolved(folder: Path) -> dict:
    return yaml.safe_load((folder / "recipe.resolved.yaml").read_text())


@pytest.fixture
def mine(finished, cli) -> Path:
    """A copy of the finished run where the tiny recipe would write."""
    return Path(shutil.copytree(finished, Path("runs/tiny")))


def test_a_run_writes_what_is_promised(finished):
    assert {path.name for path in finished.iterdir()} == {
        "README.md",
        "checkpoints",
        "metrics.json",
        "metrics.jsonl",
        "model",
        "recipe.resolved.yaml",
        "verify.json",
        "vocabulary.json",
    }
    metrics = json.loads((finished / "metrics.json").read_text())
    assert list(metrics) == ["train", "atomic", "test"]
    assert metrics["test"]["jepa_loss"] is None
    log = [json.loads(line) for line in (finished / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log if "loss" in line] == [1, 2, 3, 4]


def test_a_dry_run_writes_nothing(cli):
    done = cli("tiny.yaml", "--dry-run")
    assert done.exit_code == 0, done.output
    assert "one batch of 8: " in done.stdout
    assert done.stdout.endswith("dry run: nothing was written\n")
    assert [path.name for path in Path().iterdir()] == ["tiny.yaml"]


def test_flags_land_in_the_resolved_recipe(cli):
    done = cli("--seed", 7, "tiny.yaml", "seed=5", "--max-steps", 2, "--output-dir", "one run", "--device", "cpu")
    assert done.exit_code == 0, done.output
    text = resolved(Path("one run"))
    assert (text["seed"], text["training"]["max_steps"], text["output_dir"]) == (7, 2, "one run")
    assert text["objective"]["distance"] == {"name": "cosine", "eps": 1e-8}
    assert set(text["resolved"]["plugins"]) >= {"jepa-core"}


@pytest.mark.parametrize("option", ["-p", "--plugin"])
def test_a_recipe_can_use_a_distance_of_the_user(cli, option):
    module = f"distance_by{option.replace('-', '_')}"
    Path(f"{module}.py").write_text(FAR)
    plugin = module if option == "-p" else f"{module}.py"
    distance = "objective.distance={name: far, power: 3}"
    assert cli("validate", "tiny.yaml", distance).exit_code == 2
    done = cli("tiny.yaml", option, plugin, "--max-steps", 1, distance)
    assert done.exit_code == 0, done.output
    assert "1 ntp + 1 far" in done.stdout
    text = resolved(Path("runs/tiny"))
    assert text["objective"]["distance"] == {"name": "far", "power": 3}
    assert cli("eval", "runs/tiny").exit_code == 2
    assert cli("eval", "runs/tiny", option, plugin).exit_code == 0


class TestARunIsNeverWrittenOver:
    def test_a_finished_one_is_shown(self, cli, mine):
        before = contents(mine)
        done = cli("tiny.yaml", "description=Changed.")
        assert done.exit_code == 0
        assert done.stdout.startswith("runs/tiny: was finished before; nothing was run")
        mrr = json.loads((mine / "metrics.json").read_text())["test"]["mrr"]
        assert f"{mrr:.4f}" in done.stdout
        assert contents(mine) == before

    @pytest.mark.parametrize(
        ("change", "key"),
        [(["seed=3"], "seed"), (["--max-steps", 3], "training.max_steps"), (["objective.k=2"], "objective.k")],
    )
    def test_one_of_another_recipe_is_refused(self, cli, mine, change, key):
        before = contents(mine)
        done = cli("tiny.yaml", *change)
        assert done.exit_code == 2
        assert f"runs/tiny: holds a finished run of another recipe (differs in {key})" in done.stderr
        assert contents(mine) == before

    @pytest.mark.parametrize(
        ("change", "command"),
        [
            (["seed=3"], "tiny.yaml seed=3 --output-dir runs/tiny-seed3"),
            (["--max-steps", 3], "tiny.yaml training.max_steps=3 --output-dir runs/tiny-max_steps3"),
            (["objective.k=2", "--device", "cpu"], "tiny.yaml objective.k=2 --device cpu --output-dir runs/tiny-k2"),
        ],
    )
    def test_a_command_that_keeps_both_is_told(self, cli, mine, change, command):
        done = cli("tiny.yaml", *change)
        assert done.stderr.splitlines()[-1] == f"To keep both: jepa-run {command}"
        again = cli(*command.split(), "--dry-run")
        assert again.exit_code == 0, again.output

    def test_the_folder_of_that_command_is_a_new_one(self, mine):
        assert folder_beside(mine, ["objective.k=2"]) == mine.with_name("tiny-k2")
        mine.with_name("tiny-k2").mkdir()
        assert folder_beside(mine, ["output_dir=x", "objective.k=2"]) == mine.with_name("tiny-k2-2")

    def test_unless_told(self, cli, mine):
        (mine / "notes.txt").write_text("mine")
        done = cli("tiny.yaml", "--overwrite", "--max-steps", 2)
        assert done.exit_code == 0, done.output
        assert resolved(mine)["training"]["max_steps"] == 2
        log = [json.loads(line) for line in (mine / "metrics.jsonl").read_text().splitlines()]
        assert [line["step"] for line in log if "loss" in line] == [1, 2]
        assert not (mine / "checkpoints" / "checkpoint-4").exists()
        assert (mine / "notes.txt").read_text() == "mine"

    def test_even_when_told_not_before_the_data_are_read(self, cli, mine):
        """The new run would fail at once: the old one had better stay."""
        before = contents(mine)
        done = cli("tiny.yaml", "--overwrite", "data={name: reversal_curse, path: nothing}")
        assert done.exit_code in (1, 2)
        assert "nothing: not found" in done.stderr
        assert contents(mine) == before

    @pytest.mark.parametrize("flags", [[], ["--overwrite"]])
    @pytest.mark.parametrize("place", ["other", "file", "file/run"])
    def test_what_is_no_run_is_left_alone(self, cli, flags, place):
        Path("other").mkdir()
        Path("other/model").write_text("mine")
        Path("file").write_text("mine")
        before = contents(Path())
        done = cli("tiny.yaml", "--output-dir", place, *flags)
        assert done.exit_code == 2
        assert done.stderr.startswith(f"jepa-run: {place}: ")
        assert contents(Path()) == before

    def test_a_run_cut_off_in_its_metrics_is_named(self, cli, mine):
        (mine / "metrics.json").write_text('{"train"')
        done = cli("tiny.yaml")
        assert (done.exit_code, "runs/tiny/metrics.json: can't be read" in done.stderr) == (1, True)


def test_an_unfinished_run_goes_on_and_may_go_further(cli, mine):
    (mine / "metrics.json").unlink()
    shutil.rmtree(mine / "model")
    assert "holds an unfinished run of another recipe (differs in seed)" in cli("tiny.yaml", "seed=3").stderr
    done = cli("tiny.yaml", "--max-steps", 6)
    assert done.exit_code == 0, done.output
    assert "resuming from runs/tiny/checkpoints/checkpoint-4" in done.stdout
    assert "runs/tiny: resumed and finished" in done.stdout
    log = [json.loads(line) for line in (mine / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in log if "loss" in line] == [1, 2, 3, 4, 5, 6]


def test_stopped_after_its_last_step_only_the_rest_is_done(cli, mine, finished):
    """Killed while it evaluated: no step is trained twice."""
    (mine / "metrics.json").unlink()
    (mine / "model" / "model.safetensors").unlink()
    done = cli("tiny.yaml")
    assert done.exit_code == 0, done.output
    assert "resumed and finished" in done.stdout
    for file in ("metrics.json", "model/model.safetensors"):
        assert (mine / file).read_bytes() == (finished / file).read_bytes()


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_said(cli):
    done = cli("tiny.yaml", "--device", "cuda")
    assert (done.exit_code, done.stderr) == (1, "jepa-run: --device cuda: torch finds no CUDA device here\n")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--device", "tpu"], "choose 'cpu', 'cuda' or 'mps'"),
        (["--seed", "-1"], "command line: seed: expected a number at least 0, not -1"),
        (["--max-steps", "0"], "command line: training.max_steps: expected a number at least 1, not 0"),
        (["data.entities_one_way=3"], "entities_one_way"),
        (["model.config.n_positions=8"], "positions"),
        (["evaluation.splits=[tset]"], "did you mean 'test'?"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_written(cli, flags, words):
    done = cli("tiny.yaml", *flags)
    assert done.exit_code in (1, 2)
    assert words in done.stderr
    assert [path.name for path in Path().iterdir()] == ["tiny.yaml"]


@pytest.mark.parametrize(("alike", "early", "told"), [(-1.0, 0, True), (2.0, 0, False), (-1.0, 1000, False)])
def test_collapse_is_told_when_the_run_ends(cli, monkeypatch, alike, early, told):
    """But not of weights that have hardly been trained."""
    monkeypatch.setattr("jepa_core.training.health_log.EARLY", early)
    monkeypatch.setattr("jepa_core.evaluation.health.ALIKE", alike)
    monkeypatch.setattr("jepa_core.evaluation.health.FEW_DIRECTIONS", 0.0)
    done = cli("tiny.yaml")
    assert ("warning: the embeddings have collapsed: predicted (effective rank " in done.stdout) == told


@pytest.mark.parametrize("words", [(), ("--dry-run",), ("validate",), ("verify",)])
def test_a_folder_that_is_no_model_is_told_with_its_line_and_nothing_is_written(cli, words, monkeypatch):
    """Each command that would read the folder says so before the data, and without asking the Hub."""
    monkeypatch.setattr("huggingface_hub.HfApi.repo_info", None)
    Path("tiny.yaml").write_text("data: {name: reversal_curse, path: none}\nmodel:\n  pretrained: adapter\n")
    Path("adapter").mkdir()
    Path("adapter/adapter_config.json").write_text('{"base_model_name_or_path": "org/base"}')
    done = cli(*(word for word in words if word[0] != "-"), "tiny.yaml", *(word for word in words if word[0] == "-"))
    assert (done.exit_code, sorted(path.name for path in Path().iterdir())) == (2, ["adapter", "tiny.yaml"])
    assert "tiny.yaml:3: model.pretrained: adapter: is an adapter of org/base (adapter_config.json)" in done.stderr
