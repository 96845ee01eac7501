"""Going on with a run: more steps, another recipe, other data, other threads; and what it then leaves alone."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from transformers import TrainerCallback

from jepa_core.assembly.changes import OtherData
from jepa_core.assembly.load import evaluate_again
from jepa_core.checkpoint.choosing import OtherRecipe
from jepa_core.checkpoint.manifest import BadCheckpoint
from jepa_core.errors import JepaError
from jepa_core.folder.run_folder import FolderTaken
from jepa_core.launch import run as launch
from jepa_core.training.finite import NonFiniteError
from jepa_core.training.trainer import JepaTrainer
from tests.core.cli.conftest import contents
from tests.end_to_end.test_resume import stopped
from tests.tiny_runs import REGISTRY, checkpoint_names, digest, outcome, run_tiny


def log(folder: Path) -> list[dict[str, Any]]:
    lines = map(json.loads, (folder / "metrics.jsonl").read_text().splitlines())
    return [line for line in lines if "loss" in line]


def recipe_of(folder: Path, name: str = "recipe.resolved.yaml") -> dict[str, Any]:
    return yaml.safe_load((folder / name).read_text())


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> Path:
    """A finished run of eight steps, with checkpoints after 2, 4, 6 and 8."""
    folder = tmp_path_factory.mktemp("done") / "run"
    run_tiny(folder)
    return folder


@pytest.fixture
def finished(done, tmp_path) -> Path:
    return Path(shutil.copytree(done, tmp_path / "run"))


@pytest.fixture
def unfinished(finished) -> Path:
    """A run that looks as if it had been killed after step 4."""
    for name in ("model", "checkpoints/checkpoint-6", "checkpoints/checkpoint-8"):
        shutil.rmtree(finished / name)
    (finished / "metrics.json").unlink()
    return finished


def every_trainer_gets(patch: pytest.MonkeyPatch, callback: TrainerCallback) -> None:
    original = JepaTrainer.__init__

    def with_callback(self, *args, **kwargs):
        original(self, *args, **kwargs)
        self.add_callback(callback)

    patch.setattr(JepaTrainer, "__init__", with_callback)


class Rates(TrainerCallback):
    """Each step's learning rate, as the optimizer has it."""

    def __init__(self) -> None:
        self.used: list[float] = []

    def on_pre_optimizer_step(self, args, state, control, optimizer=None, **kwargs):
        self.used.append(optimizer.param_groups[0]["lr"])


@pytest.fixture
def rates(monkeypatch) -> list[float]:
    callback = Rates()
    every_trainer_gets(monkeypatch, callback)
    return callback.used


class TestMoreSteps:
    #: Of steps 9 to 12 of 12, from a peak of 0.002 down to 0.
    REST = [0.002 * left / 12 for left in (4, 3, 2, 1)]  # noqa: RUF012

    def test_a_finished_run_goes_on_along_the_longer_schedule(self, finished, rates):
        said: list[str] = []
        assert run_tiny(finished, "training.max_steps=12", say=said.append).state == "resumed"
        assert f"resuming from {finished}/checkpoints/checkpoint-8" in said
        assert [line["step"] for line in log(finished)] == list(range(1, 13))
        assert rates == [line["learning_rate"] for line in log(finished)][8:] == pytest.approx(self.REST)
        assert run_tiny(finished, "training.max_steps=12").state == "finished"
        assert recipe_of(finished)["training"]["max_steps"] == 12
        assert recipe_of(finished, "recipe.until-step-8.yaml")["training"]["max_steps"] == 8

    def test_where_the_rate_does_not_depend_on_the_length_it_is_the_longer_run(self, tmp_path):
        constant = "training.lr_scheduler_type=constant"
        run_tiny(tmp_path / "run", constant)
        run_tiny(tmp_path / "run", constant, "training.max_steps=12")
        run_tiny(tmp_path / "longer", constant, "training.max_steps=12")
        assert outcome(tmp_path / "run") == outcome(tmp_path / "longer")

    def test_more_epochs_are_more_steps(self, tmp_path):
        epochs = ("training.max_steps=null", "training.lr_scheduler_type=constant", "training.num_train_epochs={}")
        for number in (1, 2):
            run_tiny(tmp_path / "run", *(option.format(number) for option in epochs))
        run_tiny(tmp_path / "longer", *(option.format(2) for option in epochs))
        assert outcome(tmp_path / "run") == outcome(tmp_path / "longer")

    def test_in_another_folder_it_does_not_begin_with_the_rate_of_the_end(self, finished, tmp_path, rates):
        checkpoint = finished / "checkpoints" / "checkpoint-8"
        run_tiny(tmp_path / "new", "training.max_steps=12", resume=checkpoint)
        assert rates == pytest.approx(self.REST)

    def test_what_was_finished_stays_until_there_is_more(self, finished, monkeypatch):
        """Killed on its way, the folder still holds a whole run of eight steps; both commands know what to do."""
        before = {name: digest(finished / name) for name in ("model/model.safetensors", "metrics.json")}
        figures = json.loads((finished / "metrics.json").read_text())
        stopped(monkeypatch, finished, 11, 0, "training.max_steps=12")
        assert {name: digest(finished / name) for name in before} == before
        assert recipe_of(finished)["training"]["max_steps"] == 8
        assert "checkpoint-10" in checkpoint_names(finished)
        shown = run_tiny(finished)
        assert (shown.state, shown.metrics) == ("finished", figures)
        assert evaluate_again(finished, registry=REGISTRY) == figures
        said: list[str] = []
        assert run_tiny(finished, "training.max_steps=12", say=said.append).state == "resumed"
        assert f"resuming from {finished}/checkpoints/checkpoint-10" in said
        assert digest(finished / "model/model.safetensors") != before["model/model.safetensors"]

    def test_stopped_while_the_new_model_is_written(self, finished, monkeypatch):
        """There is no result from then on, until the same command has made it."""

        def full(*args):
            raise JepaError("no space left")

        with monkeypatch.context() as patch:
            patch.setattr(launch, "save_weights", full)
            with pytest.raises(JepaError, match="no space left"):
                run_tiny(finished, "training.max_steps=12")
        assert not (finished / "metrics.json").exists()
        assert run_tiny(finished, "training.max_steps=12").state == "resumed"
        assert run_tiny(finished, "training.max_steps=12").state == "finished"

    def test_without_a_checkpoint_there_is_nothing_to_go_on_from(self, tmp_path):
        run_tiny(tmp_path / "run", "training.save_steps=null")
        before = contents(tmp_path / "run")
        with pytest.raises(FolderTaken, match=r"finished run without a checkpoint .save_steps: null."):
            run_tiny(tmp_path / "run", "training.save_steps=null", "training.max_steps=9")
        assert contents(tmp_path / "run") == before

    @pytest.mark.parametrize("step", [4, 8])
    def test_a_checkpoint_of_a_finished_run(self, finished, step):
        """Nothing is trained again, as it is finished; a checkpoint that is not there is told all the same."""
        before = contents(finished)
        assert run_tiny(finished, resume=finished / f"checkpoints/checkpoint-{step}").state == "finished"
        with pytest.raises(BadCheckpoint, match="checkpoint-5: no checkpoint there"):
            run_tiny(finished, resume=finished / "checkpoints/checkpoint-5")
        assert contents(finished) == before


class TestForced:
    def test_the_recipe_that_goes_on_says_how(self, unfinished):
        """Rates and decays, and how often to log, are the new recipe's, not those in the checkpoint."""
        changed = ("learning_rate=0.5", "weight_decay=0.25", "adam_beta1=0.5", "logging_steps=2", "save_steps=1")
        seen: list[dict[str, Any]] = []

        class Look(TrainerCallback):
            def on_train_begin(self, args, state, control, optimizer=None, **kwargs):
                seen.extend(dict(group) for group in optimizer.param_groups)

        with pytest.MonkeyPatch.context() as patch:
            every_trainer_gets(patch, Look())
            run_tiny(unfinished, *(f"training.{option}" for option in changed), force_resume=True)
        assert {group["weight_decay"] for group in seen} == {0.0, 0.25}
        assert {(group["lr"], group["betas"]) for group in seen} == {(0.25, (0.5, 0.999))}
        assert [line["step"] for line in log(unfinished)] == [1, 2, 3, 4, 6, 8]
        assert "checkpoint-5" in checkpoint_names(unfinished)

    def test_the_older_recipe_stays_beside_and_its_command_still_goes_on(self, unfinished, monkeypatch, done):
        other = "training.learning_rate=1e-4"
        forced_on = {"force_resume": True}
        with monkeypatch.context() as patch:
            compute = JepaTrainer.compute_loss

            def stopping(self, *args, **kwargs):
                if self.state.global_step == 7:
                    raise KeyError("stop")
                return compute(self, *args, **kwargs)

            patch.setattr(JepaTrainer, "compute_loss", stopping)
            with pytest.raises(KeyError):
                run_tiny(unfinished, other, **forced_on)
        assert recipe_of(unfinished)["training"]["learning_rate"] == 1e-4
        assert recipe_of(unfinished, "recipe.until-step-4.yaml")["training"]["learning_rate"] == 2e-3
        copy = Path(shutil.copytree(unfinished, unfinished.parent / "copy"))
        said: list[str] = []
        assert run_tiny(unfinished, say=said.append).state == "resumed"
        assert any("checkpoint-6: of another run (its recipe differs in training.learning_rate)" in s for s in said)
        assert f"resuming from {unfinished}/checkpoints/checkpoint-4" in said
        assert outcome(unfinished) == outcome(done)
        said.clear()
        assert run_tiny(copy, other, f"output_dir={copy}", say=said.append).state == "resumed"
        assert f"resuming from {copy}/checkpoints/checkpoint-6" in said
        with pytest.raises(FolderTaken, match="differs in seed"):
            run_tiny(copy, "seed=3")

    def test_a_finished_run_has_no_step_left_under_another_recipe(self, finished):
        before = contents(finished)
        with pytest.raises(
            FolderTaken, match=r"finished run .*learning_rate.*under another recipe it has no step left"
        ):
            run_tiny(finished, "training.learning_rate=1e-4", force_resume=True)
        assert contents(finished) == before
        more = ("training.learning_rate=1e-4", "training.max_steps=9")
        with pytest.raises(FolderTaken, match="learning_rate"):
            run_tiny(finished, *more)
        assert run_tiny(finished, *more, force_resume=True).state == "resumed"

    def test_overwrite_forgets_the_older_recipes(self, finished):
        run_tiny(finished, "training.max_steps=9")
        assert (finished / "recipe.until-step-8.yaml").exists()
        run_tiny(finished, "training.max_steps=2", overwrite=True)
        assert not (finished / "recipe.until-step-8.yaml").exists()

    @pytest.mark.parametrize("options", [{"resume": Path("x")}, {"force_resume": True}])
    def test_overwrite_and_going_on_are_two_things(self, finished, options):
        before = contents(finished)
        with pytest.raises(JepaError, match="give one of them"):
            run_tiny(finished, overwrite=True, **options)
        assert contents(finished) == before


class TestRefused:
    def test_a_checkpoint_that_is_not_there_makes_no_folder(self, tmp_path, monkeypatch):
        """And is told before the data are read and the model is built, which may take long."""
        monkeypatch.setattr(launch, "verify_start", lambda *built: pytest.fail("something was built"))
        with pytest.raises(BadCheckpoint, match="no checkpoint there"):
            run_tiny(tmp_path / "runs" / "new", resume=tmp_path / "nope" / "checkpoint-4")
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.parametrize("force", [False, True])
    @pytest.mark.parametrize("change", ["seed=42", "training.learning_rate=0.5"])
    def test_a_folder_stays_as_it_was(self, unfinished, change, force):
        before = contents(unfinished)
        with pytest.raises((BadCheckpoint, FolderTaken)):
            run_tiny(unfinished, change, resume=unfinished / "checkpoints/checkpoint-99", force_resume=force)
        assert contents(unfinished) == before

    def test_damaged_or_of_another_recipe(self, unfinished, tmp_path):
        before = contents(unfinished)
        other = Path(shutil.copytree(unfinished, tmp_path / "other")) / "checkpoints" / "checkpoint-4"
        (other / "optimizer.safetensors").write_bytes(b"")
        with pytest.raises(BadCheckpoint):
            run_tiny(unfinished, resume=other)
        with pytest.raises(OtherRecipe):
            run_tiny(tmp_path / "new", "seed=3", resume=unfinished / "checkpoints/checkpoint-4")
        assert contents(unfinished) == before
        assert not (tmp_path / "new").exists()


FACTS = [(f"n{i:02d}", f"m{i:02d}") for i in range(30)]


def write_facts(folder: Path, facts: list[tuple[str, str]]) -> None:
    lines = [json.dumps({"head": head, "relation": "r", "tail": tail}) for head, tail in facts]
    (folder / "f.jsonl").write_text("".join(f"{line}\n" for line in lines))
    (folder / "r.yaml").write_text("inverse_pairs: [[r, s]]\n")


class TestData:
    WORDS = ("data={name: facts, path: f.jsonl, relations: r.yaml}", "objective.reversal=lookup")

    @pytest.fixture
    def run(self, tmp_path, monkeypatch):
        """Runs the facts in words that are in the current folder."""
        monkeypatch.chdir(tmp_path)
        write_facts(tmp_path, FACTS)
        from jepa_core.recipe.load import load_recipe

        sizes = ["model.config.n_embd=16", "model.config.n_layer=1", "training.per_device_train_batch_size=8"]
        sizes += ["training.warmup_steps=0", "training.save_steps=2", "training.max_steps=4", "output_dir=run"]

        def run(**options):
            recipe = load_recipe("cosine_k1", [*self.WORDS, *sizes], REGISTRY)
            return launch.run(recipe, registry=REGISTRY, device="cpu", **options)

        run()
        return run

    @staticmethod
    def unfinish() -> None:
        shutil.rmtree("run/checkpoints/checkpoint-4")
        Path("run/metrics.json").unlink()

    @pytest.mark.parametrize("name", ["aa", "zz"])
    def test_ids_that_moved_under_trained_embeddings(self, run, name, tmp_path):
        """One name changed, and with it the order of the words."""
        self.unfinish()
        before = contents(Path("run"))
        write_facts(tmp_path, [(name, "m00"), *FACTS[1:]])
        with pytest.raises(
            OtherData, match=r"checkpoint-2: its data changed .*; token ids moved.*'\w\d\d' was \d+"
        ) as caught:
            run()
        assert "--force-resume" in str(caught.value)
        assert "\n" not in str(caught.value)
        assert contents(Path("run")) == before

    def test_only_the_facts_changed(self, run, tmp_path):
        """The same words, paired otherwise: no token id moved."""
        self.unfinish()
        write_facts(tmp_path, [(head, tail) for (head, _), (_, tail) in zip(FACTS, FACTS[1:] + FACTS[:1], strict=True)])
        with pytest.raises(OtherData, match=r"its data changed since it trained: train, evaluation\.train") as caught:
            run()
        assert "vocabulary" not in str(caught.value)
        said: list[str] = []
        assert run(force_resume=True, say=said.append).state == "resumed"
        assert any("warning: " in line and "its data changed since it trained: train" in line for line in said)

    def test_put_back_it_goes_on(self, run, tmp_path):
        self.unfinish()
        write_facts(tmp_path, FACTS[::-1])
        with pytest.raises(OtherData):
            run()
        write_facts(tmp_path, FACTS)
        assert run().state == "resumed"

    def test_eval_says_so_too(self, run, tmp_path):
        said: list[str] = []
        evaluate_again(Path("run"), registry=REGISTRY, say=said.append)
        assert said == []
        write_facts(tmp_path, [(head, tail) for (head, _), (_, tail) in zip(FACTS, FACTS[1:] + FACTS[:1], strict=True)])
        evaluate_again(Path("run"), registry=REGISTRY, say=said.append)
        assert said[0].startswith("warning: run: its data changed since it trained: train, evaluation.train")
        write_facts(tmp_path, [("zz", "m00"), *FACTS[1:]])
        with pytest.raises(OtherData, match=r"other tokens by now.*token ids moved.*'n01' was"):
            evaluate_again(Path("run"), registry=REGISTRY)

    def test_the_data_are_those_that_the_run_read_wherever_it_is_asked_from(self, run, tmp_path, monkeypatch):
        figures = evaluate_again(Path("run"), registry=REGISTRY)
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        write_facts(elsewhere, FACTS[:20])
        monkeypatch.chdir(elsewhere)
        said: list[str] = []
        assert evaluate_again(tmp_path / "run", registry=REGISTRY, say=said.append) == figures
        assert said == []


def test_another_number_of_threads_is_told(unfinished, monkeypatch):
    """Sums in another order are other bits."""
    threads, said = torch.get_num_threads(), []
    assert recipe_of(unfinished)["resolved"]["versions"]["threads"] == str(threads)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads + 1)
    run_tiny(unfinished, say=said.append)
    words = f"checkpoint-4: threads {threads} before, {threads + 1} now: not the same bits as a run left alone"
    assert [line for line in said if "warning" in line] == [f"warning: {unfinished}/checkpoints/{words}"]


def test_weights_that_the_last_update_spoiled_are_never_written(tmp_path, monkeypatch):
    """Step 8 is never followed by a loss that would show it; the next command goes on from step 6."""

    class Spoil(TrainerCallback):
        def on_optimizer_step(self, args, state, control, model, **kwargs):
            if state.global_step == 7:
                with torch.no_grad():
                    next(model.parameters())[0, 0] = float("inf")

    with monkeypatch.context() as patch:
        every_trainer_gets(patch, Spoil())
        with pytest.raises(NonFiniteError, match=r"the weight model\..* is not finite after step 8"):
            run_tiny(tmp_path / "run")
    assert checkpoint_names(tmp_path / "run") == ["checkpoint-2", "checkpoint-4", "checkpoint-6"]
    assert not (tmp_path / "run" / "model").exists()
    said: list[str] = []
    assert run_tiny(tmp_path / "run", say=said.append).state == "resumed"
    assert f"resuming from {tmp_path}/run/checkpoints/checkpoint-6" in said


def test_a_model_without_one_finite_answer_is_no_result(tmp_path):
    """Its weights are finite, and what it makes of them is not."""
    with pytest.raises(NonFiniteError, match="ntp_loss is not finite for any answer in the evaluation after step 1"):
        run_tiny(tmp_path / "run", "training.max_steps=1", "training.learning_rate=1e20")
    assert not (tmp_path / "run" / "metrics.json").exists()
    assert not (tmp_path / "run" / "model").exists()
