"""Few facts of a relation, for a map as wide as the states."""

import pytest

import jepa_core
from jepa_core.verify.context import Context
from jepa_core.verify.row import Verdict
from jepa_plugins.facts import check_size
from jepa_plugins.facts.check_size import NAME, PASSES, counted, task_size
from tests.core.launch.test_rehearsal import run, tiny
from tests.support import SAMPLES, small_set
from tests.tiny_runs import REGISTRY


def rows(*overrides: str, name: str = NAME):
    """Ten entities both ways and six one way: 5 + 5 facts both ways, 3 one way; of one pair of relations."""
    built = jepa_core.build(tiny("nowhere", "rehearsal=null", *overrides), REGISTRY, "cpu")
    return [row for row in task_size(Context(built, REGISTRY, quick=True)) if row.name == name]


@pytest.mark.parametrize(("width", "verdict"), [(4, Verdict.PASS), (16, Verdict.WARN)])
def test_as_many_facts_of_a_relation_as_the_states_have_components(width, verdict):
    (row,) = rows(f"model.config.n_embd={width}")
    assert row.verdict is verdict
    assert row.figure == (verdict is Verdict.WARN)
    narrower = "bring 16 facts of each or more, or make the model narrower: model.config.n_embd=4"
    assert (narrower in row.evidence) == (verdict is Verdict.WARN)


def test_no_width_is_named_where_none_goes_with_the_heads():
    (row,) = rows("model.config.n_head=16")
    assert row.evidence.endswith("or make the model narrower")


def test_few_passes_over_the_facts():
    """13 facts, batches of 8: 4 steps are 2.5 passes, 48 are 29.5, 49 are 30.2."""
    for steps, verdict in ((4, Verdict.WARN), (48, Verdict.WARN), (49, Verdict.PASS)):
        (row,) = rows(f"training.max_steps={steps}", name=PASSES)
        assert row.verdict is verdict
        assert row.figure == round(steps * 8 / 13, 1)
        assert ("set training.max_steps=114" in row.evidence) == (verdict is Verdict.WARN)
    (row,) = rows("training.max_steps=null", "training.num_train_epochs=50", name=PASSES)
    assert (row.verdict, row.figure) == (Verdict.PASS, 50)


def test_rare_relations_beside_frequent_ones_are_no_trouble(monkeypatch):
    """The relation with 5 to 8 facts of 13 has too few for a width of 8 in some share of the facts."""
    (row,) = rows("model.config.n_embd=8")
    monkeypatch.setattr(check_size, "SHARE", row.figure)
    assert rows("model.config.n_embd=8")[0].verdict is Verdict.PASS


@pytest.mark.parametrize("override", ["objective.predictor=identity", "objective.lambda_jepa=0"])
def test_what_learns_no_maps_is_not_looked_at(override):
    assert rows(override, "objective.gamma_ntp=1") == rows(override, "objective.gamma_ntp=1", name=PASSES) == []


def test_relations_are_counted_or_estimated(monkeypatch):
    many = small_set(SAMPLES * 6)
    assert [each.tolist() for each in counted(many)] == [[17, 18, 19, 20, 22], [6] * 5]
    monkeypatch.setattr(check_size, "_READ", 10)
    _, counts = counted(many)
    assert int(counts.sum()) == 30, "every third of thirty"


def test_a_run_says_so_before_it_trains(tmp_path):
    told: list[str] = []
    run(tmp_path / "run", "rehearsal.training.max_steps=3", say=told.append)
    (warning,) = [
        words for words in told if words.startswith("warning: facts of relations that have few: 1 (≤ 0.1 of all)")
    ]
    assert "expect what is held out to be answered badly" in warning
    keys = [words.rpartition("set ")[2] for words in told if words.startswith("warning: passes over the facts")]
    assert [key.partition("=")[0] for key in keys] == ["training.max_steps", "rehearsal.training.max_steps"]
