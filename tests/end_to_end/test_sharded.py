"""A model that is split among two and four processes (training.fsdp) is trained as by one."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from jepa_core.evaluation.evaluate import evaluate
from jepa_core.objective import candidate_states
from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.spec import Ema
from jepa_core.recipe.training_section import FsdpSection
from jepa_core.tensors import part_here
from jepa_core.training.finite import NonFiniteError
from jepa_plugins.facts.entities import entities_of
from jepa_plugins.facts.question_to_entity import QuestionToEntity
from jepa_plugins.facts.task import right_answers
from jepa_plugins.infonce_distance import InfoNceDistance
from jepa_plugins.last_token import LastToken
from jepa_plugins.mlp_predictor import MlpPredictor
from jepa_plugins.sigreg import SigReg
from jepa_plugins.variance_covariance import VarianceCovariance
from tests.children import together
from tests.parallel import Projected, difference, eligible, facts, state, trained, trainer_of
from tests.support import small_model, small_objective, small_set
from tests.tiny_runs import digest

FSDP = FsdpSection.model_validate({})
PROCESSES = (2, 4)
#: How many of each half of sixteen samples have a pair.
BOTH, ONE, NOBODY = (3, 5), (8, 0), (0, 0)


def recomputing() -> JepaObjective:
    objective = small_objective(small_model("llama"))
    objective.model.activation_checkpointing_enable()
    return objective


def with_predictor() -> JepaObjective:
    torch.manual_seed(1)
    return small_objective(small_model(), predictor=MlpPredictor(32, 8), target="stopped")


def with_bank() -> JepaObjective:
    """A bank of all entities; several processes make it in parts."""
    names, distance = entities_of([small_set(facts(96))]), InfoNceDistance(negatives="bank")
    return small_objective(small_model(), 0, distance, reversal=QuestionToEntity(apart=True), candidates=names)


def with_several_answers() -> JepaObjective:
    """Every third question has another answer beside its own, that of the next fact."""
    known = facts(96)
    more = [(*known[i][:3], known[i + 1][3], known[i][4]) for i in range(0, 93, 3)]
    right, distance = right_answers(small_set([*known, *more])), InfoNceDistance()
    return small_objective(small_model(), 0, distance, reversal=QuestionToEntity(apart=True), right=right)


REGULARIZERS = (("variance", VarianceCovariance()), ("sigreg", SigReg(directions=8)))
MADE: dict[str, Callable[[], JepaObjective]] = {
    "rows": lambda: small_objective(small_model(), distance=Projected()),
    "packed": lambda: small_objective(small_model(), layout="packed"),
    "tied": lambda: small_objective(small_model("llama", tie_word_embeddings=True)),
    "average": lambda: small_objective(small_model(), target=Ema(0.9)),
    "frozen": lambda: small_objective(small_model(), target="frozen"),
    "predictor": with_predictor,
    "bank": with_bank,
    "InfoNCE": lambda: small_objective(small_model(), distance=InfoNceDistance()),
    "answers": with_several_answers,
    "regularizers": lambda: small_objective(small_model(), regularizers=REGULARIZERS),
    "no ntp": lambda: small_objective(small_model(), gamma_ntp=0.0),
    "detached": lambda: small_objective(small_model("gpt2", n_layer=3), embedding=LastToken(layer=1), ntp_detach=1),
    "recomputed": recomputing,
    "accumulated": lambda: small_objective(small_model(), distance=Projected()),
}
COMPARING = ("InfoNCE", "answers", "regularizers")
DIFFERING = (*COMPARING, "rows", "average", "bank")
#: Candidates whose states are made at once: of 16 a part.
SOME = 5
OPTIONS: dict[str, dict[str, Any]] = {"accumulated": {"gradient_accumulation_steps": 2}}
LOSSES = ("ntp_loss", "jepa_loss", "variance_loss", "sigreg_loss", "jepa_pairs")


def cases(processes: int) -> list[tuple[str, tuple[int, int]]]:
    """One has no pair, or nobody has, where that makes a difference."""
    if processes == 4:
        return [(name, BOTH) for name in DIFFERING]
    return [(name, BOTH) for name in MADE] + [(name, ONE) for name in DIFFERING] + [("rows", NOBODY)]


def key(*what: object) -> str:
    return "-".join(map(str, what)).replace(" ", "")


def losses(trainer: Any) -> dict[str, float]:
    return {name: value for name, value in trainer.state.log_history[0].items() if name in LOSSES}


def of_one_step(folder: Path, name: str, pattern: tuple[int, int], processes: int, rank: int, sharding: Any) -> None:
    """Leaves weights after a step, and the losses."""
    objective, options = MADE[name](), OPTIONS.get(name, {})
    batch = 16 // processes // options.get("gradient_accumulation_steps", 1)
    trainer = trained(folder, eligible(pattern), batch, objective, sharding=sharding, **options)
    case = key(name, pattern, "split" if sharding else "copied", processes)
    if rank in (0, processes - 1):
        save_file(state(objective), folder / f"{case}-{'last' if rank else 'first'}")
    else:
        state(objective)
    if rank == 0:
        (folder / f"{case}.json").write_text(json.dumps(losses(trainer)))


def parts(objective: JepaObjective) -> tuple[int, int]:
    """Numbers here, and of all."""
    return sum(part_here(p).numel() for p in objective.parameters()), sum(p.numel() for p in objective.parameters())


def of_adamw(folder: Path, rank: int, processes: int) -> None:
    """Weights after four steps of each AdamW, split and not; and after a step that is not finite."""
    for optim, sharding in itertools.product(("adamw_torch", "adamw_torch_fused"), (None, FSDP)):
        objective = small_objective(small_model(), gamma_ntp=0.0)
        options = {"optim": optim, "learning_rate": 0.01, "weight_decay": 0.1, "max_steps": 4}
        trained(folder, facts(24), 8 // processes, objective, sharding=sharding, **options)
        found = state(objective)
        save_file(found, folder / f"{optim}-{bool(sharding)}-{rank}")
    for optim in ("adamw_torch", "adamw_torch_fused"):
        objective = small_objective(small_model())
        trainer = trainer_of(folder, facts(24), 8 // processes, objective, FSDP, optim=optim, learning_rate=0.01)
        before, compute = state(objective), trainer.compute_loss
        trainer.compute_loss = lambda *args, loss=compute, **rest: loss(*args, **rest) * float("nan")  # type: ignore
        with pytest.raises(NonFiniteError):
            trainer.train()
        after = state(objective)
        assert all(torch.equal(before[name], after[name]) for name in before)


def of_evaluation(folder: Path, rank: int, processes: int) -> None:
    """Nine batches do not divide, and ranks run different numbers of passes."""
    objective = MADE["average"]()
    trainer_of(folder, facts(24), 4, objective, FSDP)
    found = evaluate(objective, small_set(facts(17)), batch_size=2)
    (folder / f"metrics-{processes}-{rank}.json").write_text(json.dumps(found))
    (folder / f"parts-{processes}-{rank}.json").write_text(json.dumps(parts(objective)))


@pytest.fixture(scope="module")
def several(tmp_path_factory) -> Callable[[int], Path]:
    """Results of so many processes; all in one start, because starting takes seconds."""

    @cache
    def made(processes: int) -> Path:
        folder = tmp_path_factory.mktemp("several")

        def work(rank: int) -> None:
            candidate_states.PART = SOME
            for name, pattern in cases(processes):
                of_one_step(folder, name, pattern, processes, rank, FSDP)
            for name, pattern in itertools.product(COMPARING, (BOTH, ONE, NOBODY) if processes == 2 else ()):
                of_one_step(folder, name, pattern, processes, rank, None)
            if processes == 2:
                of_adamw(folder, rank, processes)
            of_evaluation(folder, rank, processes)
            torch.distributed.destroy_process_group()

        assert together(processes, work, patience=240) == [0] * processes
        return folder

    return made


@pytest.fixture(scope="module")
def alone(tmp_path_factory) -> Callable[[str, tuple[int, int]], tuple[dict[str, Tensor], dict[str, float]]]:
    """Weights after a step of one process on the joined batch, and losses; each made once."""
    folder, known = tmp_path_factory.mktemp("alone"), {}

    def made(name: str, pattern: tuple[int, int]) -> Any:
        if (name, pattern) not in known:
            objective = MADE[name]()
            trainer = trained(folder, eligible(pattern), 16, objective)
            known[name, pattern] = state(objective), losses(trainer)
        return known[name, pattern]

    return made


def agrees(folder: Path, processes: int, alone: Any, name: str, pattern: tuple[int, int], how: str) -> None:
    case = key(name, pattern, how, processes)
    assert digest(folder / f"{case}-first") == digest(folder / f"{case}-last")
    expected, logged = alone(name, pattern)
    assert difference(load_file(folder / f"{case}-first"), expected, state(MADE[name]())) < 1e-6
    assert json.loads((folder / f"{case}.json").read_text()) == pytest.approx(logged, abs=1e-6, rel=1e-6)


@pytest.mark.parametrize(("processes", "name", "pattern"), [(n, *case) for n in PROCESSES for case in cases(n)])
def test_loss_and_gradient_are_those_of_one_process(several, alone, processes, name, pattern):
    """Whatever a process's samples have to be run for, and where it has no pair at all."""
    agrees(several(processes), processes, alone, name, pattern, "split")


@pytest.mark.parametrize("name", COMPARING)
def test_pairs_of_all_processes_are_looked_at_together(several, alone, name):
    """Holds without training.fsdp too."""
    for pattern in (BOTH, ONE, NOBODY):
        agrees(several(2), 2, alone, name, pattern, "copied")


@pytest.mark.parametrize("processes", PROCESSES)
def test_each_process_has_its_share(several, processes):
    folder = several(processes)
    found = [json.loads((folder / f"parts-{processes}-{rank}.json").read_text()) for rank in range(processes)]
    assert sum(here for here, _ in found) == found[0][1]
    assert max(here for here, _ in found) <= found[0][1] / processes * 1.05


@pytest.mark.parametrize("processes", PROCESSES)
def test_evaluation_counts_each_sample_once(several, processes):
    folder = several(processes)
    found = [json.loads((folder / f"metrics-{processes}-{rank}.json").read_text()) for rank in range(processes)]
    assert found[1:] == found[:-1]
    expected = evaluate(MADE["average"](), small_set(facts(17)), batch_size=2)
    assert found[0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("optim", ["adamw_torch", "adamw_torch_fused"])
def test_adamw_does_the_same_in_parts(several, optim):
    """Bit by bit that of processes with a copy each."""
    folder = several(2)
    assert digest(folder / f"{optim}-True-0") == digest(folder / f"{optim}-False-0")
