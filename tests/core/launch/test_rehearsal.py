"""A run that learns, asks, and rehearses: two ordinary runs in one folder, however often it is cut off."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import pipeline

import jepa_core
import jepa_core.launch.run as launch_run
from jepa_core.assembly.load import evaluate_again
from jepa_core.checkpoint.choosing import in_order
from jepa_core.components import Rehearsed
from jepa_core.errors import JepaError, RecipeError
from jepa_core.folder.run_folder import FolderTaken, RunFolder
from jepa_core.launch.dry_run import dry_run
from jepa_core.launch.rehearsal import in_words, take_learned, try_second
from jepa_core.recipe.schema import Recipe
from jepa_core.registry import Registry
from jepa_plugins.facts.roles import Role
from tests.tiny_runs import REGISTRY, digest, outcome

TINY = [
    "data.entities_both_ways=10",
    "data.entities_one_way=6",
    "data.relation_pairs=1",
    "data.name_multiplicity=null",
    "model.config.n_embd=16",
    "model.config.resid_pdrop=0.1",
    "training.max_steps=4",
    "training.warmup_steps=0",
    "training.save_steps=2",
    "training.save_total_limit=null",
    "training.per_device_train_batch_size=8",
    "evaluation.also=[]",
    "rehearsal.asker.cut={share: 0.5}",
    "rehearsal.training.max_steps=4",
    "rehearsal.training.warmup_steps=0",
]


def tiny(folder: Path, *overrides: str, registry: Registry = REGISTRY) -> Recipe:
    return jepa_core.load_recipe("rehearsal", [*TINY, f"output_dir={folder}", *overrides], registry)


def run(folder: Path, *overrides: str, registry: Registry = REGISTRY, **options):
    return jepa_core.run(tiny(folder, *overrides, registry=registry), registry=registry, device="cpu", **options)


def both(folder: Path) -> dict[str, str]:
    """Everything that two runs have to agree in, bit by bit."""
    learned = {f"learned/{name}": value for name, value in outcome(folder / "learned").items()}
    return {**learned, **outcome(folder), "rows": digest(folder / "rehearsed.jsonl")}


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A run that nobody cut off."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    assert run(folder).state == "trained"
    return folder


@pytest.fixture
def copy(whole, tmp_path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "run"))


def cut_off(folder: Path) -> None:
    """Cuts a run off, as if killed after its first checkpoint."""
    (folder / "metrics.json").unlink()
    shutil.rmtree(folder / "model")
    shutil.rmtree(in_order(folder / "checkpoints")[-1])


class TestTheTwoHalves:
    def test_learning_is_an_ordinary_run(self, whole, tmp_path):
        run(tmp_path / "alone", "rehearsal=null")
        assert outcome(tmp_path / "alone") == outcome(whole / "learned")

    def test_trying_the_second_half_draws_no_random_numbers(self, tmp_path):
        """Else learning would not be what it is alone."""
        recipe = tiny(tmp_path / "run")
        built, before = jepa_core.build(recipe, REGISTRY, "cpu"), torch.get_rng_state()
        torch.rand(3)
        after = torch.get_rng_state()
        try_second(recipe, built, REGISTRY)
        assert torch.equal(torch.get_rng_state(), after)
        assert not torch.equal(before, after)

    def test_rehearsing_starts_from_what_was_learned(self, whole):
        """Next-token prediction stops before layer 2, and no JEPA loss has a weight: all below stays as it was."""
        before, after = (load_file(f / "model" / "model.safetensors") for f in (whole / "learned", whole))
        changed = {name for name in before if not torch.equal(before[name], after[name])}
        assert {name.split(".")[1] for name in changed if name.startswith("transformer.")} <= {"h", "ln_f"}
        assert {name.split(".")[2] for name in changed if ".h." in name} == {"1"}
        parts = [load_file(f / "model" / "components.safetensors") for f in (whole / "learned", whole)]
        assert parts[0].keys() == parts[1].keys() != set()
        assert all(torch.equal(parts[0][name], parts[1][name]) for name in parts[0])

    def test_the_rows_say_what_they_were_made_of(self, whole):
        first, *rows = map(json.loads, (whole / "rehearsed.jsonl").read_text().splitlines())
        assert first["rows"] == len(rows) > 0
        assert first["asker"]["cut"] == {"share": 0.5}
        assert first["counts"]["training facts read"] == 10 + 3  # ten entities both ways, three pairs one way
        assert all({"head", "relation", "tail", "confidence"} == row.keys() for row in rows)
        sure = [row["confidence"] for row in rows]
        assert sure == sorted(sure, reverse=True)

    def test_a_loaded_run_has_its_rows(self, whole):
        loaded = jepa_core.load(whole, REGISTRY)
        assert (
            loaded.data.train.group_sizes["rehearsed"] == len((whole / "rehearsed.jsonl").read_text().splitlines()) - 1
        )
        told: list[str] = []
        assert evaluate_again(whole, registry=REGISTRY, say=told.append) == json.loads(
            (whole / "metrics.json").read_text()
        )
        assert told == [], "its data are what they were"


class TestCutOff:
    def test_while_learning(self, whole, copy):
        cut_off(copy / "learned")
        for path in copy.iterdir():
            if path.name not in ("learned", "recipe.resolved.yaml"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        run(copy)
        assert both(copy) == both(whole)

    def test_before_the_rows_were_written(self, whole, copy):
        for path in copy.iterdir():
            if path.name not in ("learned", "recipe.resolved.yaml"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        before = (copy / "learned" / "metrics.json").stat().st_mtime_ns
        run(copy)
        assert both(copy) == both(whole)
        assert (copy / "learned" / "metrics.json").stat().st_mtime_ns == before, "nothing was learned again"

    def test_while_rehearsing(self, whole, copy, monkeypatch):
        cut_off(copy)
        monkeypatch.setattr("jepa_core.launch.rehearsal._ask", None)  # nobody is asked again
        assert run(copy).state == "resumed"
        assert both(copy) == both(whole)

    def test_finished_is_shown(self, whole, monkeypatch):
        monkeypatch.setattr("jepa_core.launch.run._train", None)
        result = run(whole)
        assert result.state == "finished"
        assert result.metrics == json.loads((whole / "metrics.json").read_text())


class TestRefusals:
    def test_rows_that_were_asked_of_other_weights(self, copy):
        cut_off(copy)
        path = copy / "rehearsed.jsonl"
        path.write_text(path.read_text().replace('"learned": "', '"learned": "0', 1))
        with pytest.raises(JepaError, match="asked of other weights, or in another way"):
            run(copy)

    @pytest.mark.parametrize("change", [lambda text: text[: len(text) // 2], lambda text: text + "{}\n", lambda _: ""])
    def test_rows_that_are_not_all_there(self, copy, change):
        cut_off(copy)
        path = copy / "rehearsed.jsonl"
        path.write_text(change(path.read_text()))
        with pytest.raises(JepaError, match="not the rehearsed rows of a run"):
            run(copy)

    def test_learning_more_after_asking(self, copy):
        with pytest.raises(FolderTaken, match="it can't learn more now"):
            run(copy, "training.max_steps=6")

    def test_another_cut_in_the_same_folder(self, copy):
        with pytest.raises(FolderTaken, match=r"differs in rehearsal\.asker\.cut\.share"):
            run(copy, "rehearsal.asker.cut={share: 0.2}")

    @pytest.mark.parametrize(
        ("override", "words"),
        [
            ("rehearsal.objective.gama_ntp=1", "rehearsal.objective.gama_ntp: unknown key; did you mean 'gamma_ntp'"),
            ("rehearsal.objective.k=-1", "rehearsal.objective.k: expected a number at least 0"),
            ("rehearsal.objective.distance=cosin", "no distance is called 'cosin'; did you mean 'cosine'"),
            ("rehearsal.training.max_steps=two", "rehearsal.training.max_steps: expected a whole number"),
            ("rehearsal.asker=unanswered", "no rehearsal is called 'unanswered'; did you mean 'unanswered_questions'"),
            ("rehearsal.asker.cutt=all", "unknown option of 'unanswered_questions'"),
            ("rehearsal.askr=x", "rehearsal.askr: unknown key; did you mean 'asker'"),
            ("rehearsal.asker.cut=otsu", "expected minimum_error, uppermost, all, nothing"),
        ],
    )
    def test_a_mistake_in_the_section_is_told_with_its_key(self, tmp_path, override, words):
        with pytest.raises(RecipeError) as caught:
            tiny(tmp_path / "run", override)
        assert words in str(caught.value)

    @pytest.mark.parametrize(
        ("override", "words"),
        [
            ("rehearsal.objective.ntp_detach=5", "ntp_detach: 5"),
            ("rehearsal.objective.predictor=mlp", "its components have other parameters than those learned"),
        ],
    )
    def test_what_can_not_be_rehearsed_is_told_before_anything_is_learned(self, tmp_path, override, words):
        recipe = tiny(tmp_path / "run", override)
        for attempt in (
            lambda: dry_run(recipe, device="cpu", registry=REGISTRY),
            lambda: run(tmp_path / "run", override),
        ):
            with pytest.raises(JepaError, match=words):
                attempt()
        assert not (tmp_path / "run").exists()


class TestOverwrite:
    def test_starts_both_halves_anew(self, copy):
        before = both(copy)
        run(copy, "seed=7", overwrite=True)
        after = both(copy)
        assert all(before[name] != after[name] for name in ("learned/model/model.safetensors", "rows"))
        assert run(copy, "seed=7").state == "finished"

    def test_cut_off_on_the_way_it_is_the_new_run(self, copy, monkeypatch):
        """Former content of the folder is gone before the new run learns, so nobody takes it for the new one's."""
        with monkeypatch.context() as patch, pytest.raises(RuntimeError, match="killed"):
            patch.setattr("jepa_core.launch.run._train", killed)
            run(copy, "seed=7", overwrite=True)
        assert not (copy / "metrics.json").exists()
        assert not (copy / "rehearsed.jsonl").exists()
        assert run(copy, "seed=7").state == "trained"

    def test_what_is_wrong_deletes_nothing(self, copy):
        before = both(copy)
        with pytest.raises(JepaError):
            run(copy, "rehearsal.objective.ntp_detach=5", overwrite=True)
        assert both(copy) == before


def killed(*_):
    raise RuntimeError("killed")


def test_sure_of_nothing_is_an_outcome(tmp_path):
    told: list[str] = []
    result = run(tmp_path / "run", "rehearsal.asker.cut=nothing", say=told.append)
    assert any("sure of nothing, so nothing is rehearsed" in words for words in told)
    assert result.state == "trained"
    assert "rehearsed" not in jepa_core.load(tmp_path / "run", REGISTRY).data.train.group_sizes


ASKERS = """
import jepa_core
from jepa_core import Rehearsed


class Asker:
    def __init__(self, found, shorter):
        self.found, self.shorter = found, shorter

    def __call__(self, objective, data):
        assert not objective.training
        assert not data.evaluation and data.candidates is None, "it sees what is held out"
        return self.found

    def extend(self, data, rows):
        return None if self.shorter == 2 else data


@jepa_core.hookimpl
def jepa_rehearsals():
    row = {"confidence": 1.0}
    return {
        "a_list": lambda: Asker([row], 0),
        "loses_rows": lambda: Asker(Rehearsed([row], {}), 1),
        "no_task": lambda: Asker(Rehearsed([row], {}), 2),
    }
"""


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a_list", "rehearsal.asker: breaks its contract: it returns list, not Rehearsed"),
        ("loses_rows", "rehearsal.asker: breaks its contract: extend makes 0 training samples of 1 rows"),
        ("no_task", "rehearsal.asker: breaks its contract: extend returns NoneType, not TaskData"),
    ],
)
def test_an_asker_that_breaks_its_contract_is_named(tmp_path, name, words):
    (tmp_path / "askers.py").write_text(ASKERS)
    registry = Registry.discover()
    registry.add_file(tmp_path / "askers.py")
    with pytest.raises(RecipeError) as caught:
        run(tmp_path / "run", f"rehearsal.asker={name}", "training.max_steps=1", registry=registry)
    assert words in str(caught.value)


SELF_TRAINED = [
    "rehearsal.self_training={rounds: 2, training: {max_steps: 2, warmup_steps: 0}}",
    "rehearsal.self_training.objective={filters: [{name: sample_type, keep: [train, atomic, rehearsed]}]}",
]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("self_trained") / "run"
    assert run(folder, *SELF_TRAINED).state == "trained"
    return folder


class TestSelfTraining:
    """Rounds of learning on, each an ordinary run in the next one's folder."""

    @staticmethod
    def all_of(folder: Path) -> dict[str, str]:
        found = {}
        for depth in range(3):
            place = folder.joinpath(*["learned"] * depth)
            found |= {f"{depth}/{name}": value for name, value in both(place).items()}
        return found

    def test_every_round_is_asked_anew_and_goes_on_from_the_one_before(self, trained, whole):
        base = trained / "learned" / "learned" / "learned"
        assert outcome(base) == outcome(whole / "learned"), "first it learns as it would alone"
        hashes = [json.loads(path.read_text().splitlines()[0])["learned"] for path in self.rows_of(trained)]
        assert len(set(hashes)) == 3
        for place in (trained / "learned", trained / "learned" / "learned"):
            loaded = jepa_core.load(place, REGISTRY)
            assert loaded.recipe.objective.lambda_jepa == 1, "a round learns, it does not rehearse"
            assert loaded.data.train.group_sizes["rehearsed"] == len(json_rows(place / "rehearsed.jsonl"))
        assert jepa_core.load(trained, REGISTRY).recipe.objective.gamma_ntp == 1

    @staticmethod
    def rows_of(folder: Path) -> list[Path]:
        return [folder.joinpath(*["learned"] * depth, "rehearsed.jsonl") for depth in range(3)]

    @pytest.mark.parametrize("depth", [0, 1, 2, 3])
    def test_cut_off_in_any_round_it_ends_the_same(self, trained, tmp_path, depth):
        """Later rounds than the one that was cut off have left nothing yet."""
        copy = Path(shutil.copytree(trained, tmp_path / "run"))
        for above in range(depth):
            for path in copy.joinpath(*["learned"] * above).iterdir():
                if path.name not in ("learned", "recipe.resolved.yaml"):
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
        if depth in (0, 3):
            cut_off(copy.joinpath(*["learned"] * depth))  # rounds of two steps have one checkpoint, their last
        else:
            (copy.joinpath(*["learned"] * depth) / "metrics.json").unlink()
        run(copy, *SELF_TRAINED)
        assert self.all_of(copy) == self.all_of(trained)

    def test_overwriting_starts_all_of_it_anew(self, trained, tmp_path):
        copy = Path(shutil.copytree(trained, tmp_path / "run"))
        run(copy, *SELF_TRAINED, "seed=7", overwrite=True)
        assert not set(self.all_of(copy).values()) & {digest(path) for path in self.rows_of(trained)}
        assert run(copy, *SELF_TRAINED, "seed=7").state == "finished"

    @pytest.mark.parametrize(
        ("override", "words"),
        [
            ("rounds=0", "rehearsal.self_training.rounds: expected a number at least 1"),
            ("training.max_steps=two", "rehearsal.self_training.training.max_steps: expected a whole number"),
            ("training.max_stps=2", "rehearsal.self_training.training.max_stps: unknown key; did you mean 'max_steps'"),
            ("objective.distance=cosin", "no distance is called 'cosin'; did you mean 'cosine'"),
            ("roundz=2", "rehearsal.self_training.roundz: unknown key; did you mean 'rounds'"),
        ],
    )
    def test_a_mistake_is_told_with_its_key(self, tmp_path, override, words):
        with pytest.raises(RecipeError) as caught:
            tiny(tmp_path / "run", "rehearsal.self_training={rounds: 1}", f"rehearsal.self_training.{override}")
        assert words in str(caught.value)

    def test_what_a_round_can_not_learn_is_told_before_anything_is_learned(self, tmp_path):
        with pytest.raises(JepaError, match="its components have other parameters than those learned"):
            run(tmp_path / "run", *SELF_TRAINED, "rehearsal.self_training.objective={predictor: mlp}")
        assert not (tmp_path / "run").exists()


def json_rows(path: Path) -> list:
    return [json.loads(line) for line in path.read_text().splitlines()[1:]]


class TestTakenOver:
    """Taking over what another run has learned by the same recipe."""

    def test_it_ends_the_same_and_learns_nothing_again(self, whole, tmp_path, monkeypatch):
        recipe = tiny(tmp_path / "run")
        assert take_learned(recipe, [RunFolder(whole)], REGISTRY) == RunFolder(whole)
        train = launch_run._train
        learned: list[str] = []
        monkeypatch.setattr(
            launch_run, "_train", lambda built, *rest: (learned.append(built.recipe.output_dir), train(built, *rest))
        )
        run(tmp_path / "run")
        assert learned == [str(tmp_path / "run")]
        assert both(tmp_path / "run") == both(whole)

    @pytest.mark.parametrize("override", ["seed=3", "training.max_steps=5", "data.relation_pairs=2"])
    def test_of_another_recipe_nothing_is_taken(self, whole, tmp_path, override):
        assert take_learned(tiny(tmp_path / "run", override), [RunFolder(whole)], REGISTRY) is None
        assert not (tmp_path / "run").exists()

    def test_what_is_begun_is_left_alone(self, whole, copy):
        assert take_learned(tiny(copy), [RunFolder(whole)], REGISTRY) is None

    def test_another_cut_may_take_it(self, whole, tmp_path):
        assert take_learned(tiny(tmp_path / "run", "rehearsal.asker.cut=nothing"), [RunFolder(whole)], REGISTRY)

    def test_rounds_of_self_training_begin_with_it(self, whole, trained, tmp_path):
        recipe = tiny(tmp_path / "run", *SELF_TRAINED)
        assert take_learned(recipe, [RunFolder(whole)], REGISTRY) == RunFolder(whole)
        assert outcome(tmp_path.joinpath("run", *["learned"] * 3)) == outcome(whole / "learned")
        run(tmp_path / "run", *SELF_TRAINED)
        assert TestSelfTraining.all_of(tmp_path / "run") == TestSelfTraining.all_of(trained)

    def test_and_a_run_without_rounds_may_take_what_rounds_began_with(self, trained, whole, tmp_path):
        assert take_learned(tiny(tmp_path / "run"), [RunFolder(trained)], REGISTRY) == RunFolder(trained)
        assert outcome(tmp_path / "run" / "learned") == outcome(whole / "learned")


def test_a_pipeline_of_the_exported_folder_answers_as_asking_plainly_does(tmp_path):
    """Every question, of both halves; it stops by itself after a name, and nobody says how."""
    run(tmp_path / "run", *PLAINLY)
    for number, place in enumerate((tmp_path / "run", tmp_path / "run" / "learned")):
        loaded = jepa_core.load(place, REGISTRY)
        names, asked = loaded.vocabulary, []
        for split in loaded.data.evaluation.values():
            for ids, tags in zip(split.facts.ids, split.facts.tags, strict=True):
                asked.append(" ".join(names.name(int(i)) for i in ids[tags < Role.TAIL]))
        plain = [answer.found[0].text for answer in loaded.ask(asked, plain=True)]
        folder = jepa_core.export(place, tmp_path / str(number), registry=REGISTRY)
        written = pipeline("text-generation", model=str(folder), device="cpu")(asked)
        answers = [
            one[0]["generated_text"].removeprefix(text).strip() for text, one in zip(asked, written, strict=True)
        ]
        assert answers == plain
    assert len(set(plain)) > 1


#: Names of two tokens each, and steps enough that not all questions get one answer.
PLAINLY = [
    *("data.entities_both_ways=12", "data.name_multiplicity=3", "training.learning_rate=1e-2"),
    *("objective.gamma_ntp=1", "training.max_steps=30", "model.config.resid_pdrop=0"),
]


def test_who_is_sure_of_nothing_says_what_to_try():
    counts = {"questions asked": 2600}
    nothing = "2,600: sure of nothing, so nothing is rehearsed; training goes on without further rows"
    assert in_words(Rehearsed([], counts)).endswith(nothing)
    assert in_words(Rehearsed([], counts, "try harder")).endswith("without further rows; try harder")
    assert "try" not in in_words(Rehearsed([{"confidence": 0.5}], counts, "try harder"))
