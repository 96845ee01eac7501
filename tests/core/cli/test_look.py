"""``list``, ``show`` and ``plugins``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from jepa_core.recipe.sources import shipped_recipes

from .conftest import FAR

BROKEN = "raise RuntimeError('[red]not markup[/blue] :boom:')"


def rows(text: str) -> list[list[str]]:
    """The cells of a table's rows; cells are at least two blanks apart."""
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in text.splitlines() if line.strip()]


def test_list_shows_recipes_and_components(cli):
    done = cli("list")
    assert done.exit_code == 0
    shown = rows(done.stdout)
    assert {row[0] for row in shown} >= set(shipped_recipes())
    assert ["reversal", "parity", "jepa-core"] in [row[:3] for row in shown]
    assert ["dataset", "reversal_curse", "jepa-core"] in [row[:3] for row in shown]


def test_list_of_one_of_both(cli):
    recipes, components = cli("list", "recipes").stdout, cli("list", "components").stdout
    assert "cosine_k1" in recipes
    assert "parity" not in recipes
    assert "parity" in components
    assert "cosine_k1" not in components


def test_a_plugin_of_the_user_is_listed(cli):
    Path("far.py").write_text(FAR)
    shown = rows(cli("list", "components", "--plugin", "far.py").stdout)
    assert ["distance", "far", "far", "How far, to a power."] in shown


def test_a_recipe_is_shown_as_it_is(cli):
    assert cli("show", "cosine_k1").stdout == shipped_recipes()["cosine_k1"].read_text()


def test_a_component_is_shown_with_its_options(cli):
    Path("far.py").write_text(FAR.replace("power: int = 2", "power: int, kinds: list[str] | None = None"))
    done = cli("show", "far", "--plugin", "far.py")
    assert done.stdout.startswith("far: distance from far.py")
    assert "How far, to a power." in done.stdout
    assert ["power", "integer", "required"] in rows(done.stdout)
    assert ["kinds", "array | null", "null"] in rows(done.stdout)


def test_what_is_not_there_has_a_close_name(cli):
    done = cli("show", "cosin_k1")
    assert done.exit_code == 1
    assert done.stderr == "jepa-run: no recipe and no component is called 'cosin_k1'; did you mean 'cosine_k1'?\n"
    assert "did you mean 'parity'?" in cli("show", "parit").stderr


def test_plugins_lists_the_broken_ones_too(cli, site):
    """Causes are shown as they are: brackets and colons in them are no markup."""
    site.install("near-and-far", version="3.1", far=FAR, twice=FAR)
    site.install("bad", version="0.2", thing=BROKEN)
    shown = rows(cli("plugins").stdout)
    assert ["jepa-core:facts.parity_reversal", "reversal parity"] in [[row[0], row[-1]] for row in shown]
    assert ["near-and-far:far", "3.1", "distance far"] in shown
    assert ["near-and-far:twice", "3.1", "distance far"] in shown
    assert ["bad:thing", "0.2", "BROKEN: RuntimeError: [red]not markup[/blue] :boom:"] in shown


def test_a_broken_plugin_that_is_not_used_stops_nothing(cli, site):
    site.install("bad", thing=BROKEN)
    assert cli("validate", "tiny.yaml").exit_code == 0
    done = cli("validate", "tiny.yaml", "objective.distance=far")
    assert done.exit_code == 2
    assert "no distance is called 'far'" in done.stderr
    assert "bad:thing is broken: RuntimeError" in done.stderr


def test_a_name_that_two_plugins_claim(cli, site):
    site.install("one", far=FAR)
    site.install("two", far=FAR)
    done = cli("validate", "tiny.yaml", "objective.distance=far")
    assert done.exit_code == 2
    assert "two plugins offer a distance 'far': one:far and two:far; uninstall one" in done.stderr
    assert cli("validate", "tiny.yaml").exit_code == 0
    assert cli("show", "far").stdout.count("far: distance from") == 2


@pytest.mark.parametrize("option", [["-p", "no_such_module"], ["--plugin", "no_such_file.py"]])
def test_a_plugin_that_is_not_there_is_named(cli, option):
    done = cli("plugins", *option)
    assert done.exit_code == 2
    assert done.stderr.startswith(f"jepa-run: plugin {option[1]}: ")
    assert "no_such" in done.stderr


def test_a_sentence_of_two_lines_is_shown_whole(cli):
    long = FAR.replace("How far, to a power.", "How far it is, in\n    e.g. metres, to a power. And more.")
    Path("far.py").write_text(long)
    shown = rows(cli("list", "components", "--plugin", "far.py").stdout)
    assert ["distance", "far", "far", "How far it is, in e.g. metres, to a power."] in shown


def test_as_json(cli, site):
    site.install("bad", thing=BROKEN)
    Path("far.py").write_text(FAR)
    both = json.loads(cli("list", "--json", "--plugin", "far.py").stdout)
    assert both["recipes"].keys() == shipped_recipes().keys()
    far = {"kind": "distance", "name": "far", "from": "far", "version": "", "summary": "How far, to a power."}
    assert far in both["components"]
    assert json.loads(cli("list", "recipes", "--json").stdout) == both["recipes"]
    found = json.loads(cli("plugins", "--json").stdout)
    assert {"name": "jepa-core:l2_distance", "components": ["distance l2"]}.items() <= next(
        {k: v for k, v in each.items() if k != "version"}
        for each in found["plugins"]
        if each["name"].endswith(":l2_distance")
    ).items()
    assert found["broken"][0]["broken"] == "RuntimeError: [red]not markup[/blue] :boom:"


def test_text_is_shown_without_marks(cli):
    Path("far.py").write_text(FAR.replace("How far, to a power.", "How ``far``, as :class:`~torch.Tensor` says."))
    for command in (("list", "components"), ("show", "far")):
        assert "How far, as Tensor says." in cli(*command, "--plugin", "far.py").stdout
