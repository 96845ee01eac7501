"""Whatever is wrong in a study, or in a recipe that it names, is said at once, where it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

from jepa_core.errors import RecipeError
from jepa_core.study.load import load_study
from tests.core.study.specimen import ABLATION, RECIPE, STUDY, tiny, write_study


def mistakes(registry, text: str, recipe: str = RECIPE) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        load_study(write_study(text, recipe), registry)
    return str(caught.value).split("\n")


def test_a_study_knows_its_recipes_files(registry):
    design = tiny(registry, STUDY + "  shipped: {recipe: cosine_k1}\n")
    assert design.recipes["ntp"] == Path("recipes/tiny.yaml")
    assert design.recipes["shipped"].name == "cosine_k1.yaml"
    assert design.root == Path("out")


def test_recipes_are_seen_from_the_studys_folder(registry):
    write_study()
    Path("studies").mkdir()
    Path("studies/mine.yaml").write_text(STUDY.replace("recipes/", "../recipes/").replace("output_dir: out\n", ""))
    design = load_study("studies/mine.yaml", registry)
    assert design.recipes["jepa"] == Path("studies/../recipes/tiny.yaml")
    assert design.root == Path("runs/studies/mine")


def test_mistakes_of_all_kinds_come_together(registry):
    text = (
        STUDY.replace("seeds: [1, 2]", "sedes: [1, 2]")
        .replace("objective.k=0]", "objective.kk=0]")
        .replace("[1e-3, 1e-2]", "[1e-3, fast]")
        .replace("with JEPA}", "with JEPA, recipee: x}")
    )
    text += "  gone: {recipe: recipes/tin.yaml}\n  typo: {recipe: cosin_k1}\n"
    assert mistakes(registry, text) == [
        "study.yaml:1: seeds: is missing",
        "study.yaml:5: sedes: unknown key; did you mean 'seeds'?",
        "study.yaml:10: arms.ntp.overrides.1: objective.kk: unknown key; did you mean 'k'?",
        "study.yaml:11: arms.ntp.grid.training.learning_rate: training.learning_rate: expected a number, not the text 'fast'",
        "study.yaml:12: arms.jepa.recipee: unknown key; did you mean 'recipe'?",
        "study.yaml:13: arms.gone.recipe: 'recipes/tin.yaml': no such file, and no shipped recipe of this name; "
        "did you mean 'recipes/tiny.yaml'?",
        "study.yaml:14: arms.typo.recipe: 'cosin_k1': no such file, and no shipped recipe of this name; "
        "did you mean 'cosine_k1'?",
    ]


def test_a_recipes_own_mistake_is_said_once_with_its_line(registry):
    assert mistakes(registry, STUDY, RECIPE.replace("max_steps", "max_stepz")) == [
        "recipes/tiny.yaml:11: training.max_stepz: unknown key; did you mean 'max_steps'?"
    ]


def test_overrides_of_a_stage_are_checked_in_every_arm_that_has_it(registry):
    text = STUDY.replace("tune: {seeds: [0]}", "tune: {seeds: [0], overrides: [objective.layout=x]}")
    assert mistakes(registry, text.replace("arms:", "report: {overrides: [seed=-1]}\narms:")) == [
        "study.yaml:6: tune.overrides.0: objective.layout: expected one of auto, packed, rows, flat, not the text 'x'",
        "study.yaml:7: report.overrides.0: seed: expected a number at least 0, not -1",
    ]


def test_a_metric_of_a_split_that_is_not_evaluated(registry):
    text = STUDY.replace("metric: test.mrr", "metric: tset.mrr").replace("[test.joint_accuracy]", "[test.a, valid.b]")
    found = mistakes(registry, text, RECIPE + "evaluation: {splits: [train, test]}\n")
    assert found[0] == "study.yaml:3: metric: 'ntp' evaluates train, test, not 'tset'"
    assert found[2] == "study.yaml:4: metrics.1: 'ntp' evaluates train, test, not 'valid'"


def test_older_spellings_are_read_as_in_a_run(registry):
    """They may stand in the changes of an arm or a stage, and in a grid's points."""
    older = STUDY.replace("objective.k=0]", "objective.k=0, objective.stop_gradient=target]").replace(
        "{training.learning_rate: [1e-3, 1e-2]}", "{evaluation.concepts: [true, false]}"
    )
    role = "overrides: ['objective.embedding={name: last_token, role: tail}']"
    older = older.replace("tune: {seeds: [0]}", f"tune: {{seeds: [0], {role}}}\nreport: {{{role}}}")
    design = tiny(registry, older)
    recipes = [cell.recipe(registry) for cell in design.tuning_cells("ntp")]
    assert [recipe.objective.target for recipe in recipes] == ["stopped"] * 2
    assert [[each.name for each in recipe.evaluation.also] for recipe in recipes] == [["concepts"], []]
    (cell, _) = design.report_cells("jepa", ())
    assert cell.recipe(registry).objective.embedding.source.options == {"tag": "tail"}


def test_an_ablation_is_checked_at_the_points_of_its_arm(registry):
    text = STUDY.replace("training.learning_rate: [1e-3, 1e-2]", "objective.filters.1.rate: [0.0, 0.5]")
    ablation = ABLATION.replace("training.weight_decay=1", "'objective.filters=[sample_type]'")
    assert tiny(registry, text + ablation).study.arms["lame"].without == "ntp"
    assert mistakes(registry, text + ABLATION, RECIPE + "objective: {filters: [sample_type]}\n")[0] == (
        "study.yaml:11: arms.ntp.grid.objective.filters.1.rate: objective.filters.1.rate: 'objective.filters' is a list: "
        "expected an item's number (0), not '1'"
    )


def test_a_key_given_twice_and_a_list(registry):
    assert mistakes(registry, STUDY + "seeds: [1]\n") == ["study.yaml:13: seeds: given twice, first on line 5"]
    assert mistakes(registry, "[1]") == ["study.yaml:1: a study is a mapping, like 'arms: {…}'"]
