from __future__ import annotations

from jepa_core.study.load import load_study
from jepa_core.study.results import read_results
from tests.core.study.specimen import ABLATION, RECIPE, STUDY, pretend, tiny, write_study


def test_tuning_first_then_the_best_point_with_every_seed(registry):
    design = tiny(registry)
    tuning = [f"tune/ntp/training.learning_rate={rate}/seed-0" for rate in (0.001, 0.01)]
    assert [cell.name for cell in design.known_cells("ntp")] == tuning
    assert [cell.name for cell in design.known_cells("jepa")] == ["report/jepa/base/seed-1", "report/jepa/base/seed-2"]
    assert (design.size, design.settled, design.finished) == (6, 0, False)
    for cell in design.tuning_cells("ntp"):
        pretend(cell.recipe(registry))  # the larger rate has the larger figure
    reported = [f"report/ntp/training.learning_rate=0.01/seed-{seed}" for seed in (1, 2)]
    assert [cell.name for cell in design.known_cells("ntp")] == [*tuning, *reported]
    assert design.settled == 2
    for name in design.study.arms:
        for cell in list(design.known_cells(name)):
            pretend(cell.recipe(registry))
    assert (design.settled, design.finished) == (6, True)


def test_each_stage_has_its_overrides(registry):
    text = STUDY.replace("tune: {seeds: [0]}", "tune: {seeds: [0], overrides: [training.max_steps=2]}")
    design = tiny(registry, text.replace("arms:", "report: {overrides: [training.max_steps=3]}\narms:"))
    assert design.tuning_cells("ntp")[0].recipe(registry).training.max_steps == 2
    assert design.report_cells("jepa", ())[0].recipe(registry).training.max_steps == 3


def test_an_ablation_waits_for_the_tuning_of_its_arm_and_takes_its_point(registry):
    design = tiny(registry, STUDY + ABLATION)
    assert list(design.known_cells("lame")) == []
    for cell in design.tuning_cells("ntp"):
        pretend(cell.recipe(registry))
    (cell,) = design.known_cells("lame")
    recipe = cell.recipe(registry)
    assert cell.name == "report/lame/training.learning_rate=0.01/seed-3"
    assert (recipe.training.learning_rate, recipe.training.weight_decay, recipe.objective.k) == (0.01, 1, 1)


def test_a_run_of_another_recipe_is_noted_by_the_cells_name(registry):
    design = tiny(registry)
    cell = design.report_cells("jepa", ())[1]
    pretend(cell.recipe(registry))
    assert design.note_other_runs(registry) == []
    write_study(recipe=RECIPE.replace("max_steps: 6", "max_steps: 8"))
    (told,) = design.note_other_runs(registry)
    assert "the cell report/jepa/base/seed-2 was run with another recipe (differs in training.max_steps)" in told
    assert design.note_other_runs(registry) == [], "it is told once"
    first, second = design.report_cells("jepa", ())
    assert (first.settled, second.settled, second.figures) == (False, True, {})
    (failure,) = read_results(design, {}).failures()
    assert (failure.cell.name, failure.state, failure.steps) == (cell.name, "failed", 0)
    cell.folder.metrics.unlink()
    again = load_study(write_study(recipe=RECIPE.replace("max_steps: 6", "max_steps: 8")), registry)
    assert again.note_other_runs(registry) == [], "an unfinished run may go on for longer"


def test_a_tuning_run_of_another_recipe_decides_nothing(registry):
    design = tiny(registry)
    for cell in design.tuning_cells("ntp"):
        pretend(cell.recipe(registry))
    best = design.tuning("ntp").best
    assert best == (("training.learning_rate", "0.01"),)
    other = tiny(registry, STUDY.replace("seeds: [0]}", "seeds: [0], overrides: [training.adam_beta1=0.5]}"))
    assert len(other.note_other_runs(registry)) == 2
    assert other.tuning("ntp").best is None


def test_what_is_no_run_is_left_alone(registry):
    cell = tiny(registry).report_cells("jepa", ())[0]
    cell.folder.path.mkdir(parents=True)
    (cell.folder.path / "notes.txt").write_text("mine")
    (told,) = tiny(registry).note_other_runs(registry)
    assert "not empty and not a run's folder" in told
