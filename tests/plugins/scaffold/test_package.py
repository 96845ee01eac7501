"""Every kind of package that ``jepa-run new`` makes passes its own tests, and its recipe trains with it."""

from __future__ import annotations

import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

from jepa_core import ComponentError, JepaError
from jepa_core.components import KINDS
from jepa_plugins.scaffold.names import KIND_OF, Names
from jepa_plugins.scaffold.package import USED, filled, identifiers, package_files, write_package
from tests.warm import python

ROOT = Path(__file__).parents[3]
RULES = "E,F,W,I,B,UP,C4,SIM,RUF,PT"
RECIPES_RUN = """
import jepa_core, pytest
from pathlib import Path
from jepa_core.launch.dry_run import dry_run

RECIPES = sorted(Path(__file__).parent.glob("jepa-*/*.yaml"))

@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_its_recipe_counts_pairs_and_uses_it(path):
    recipe = jepa_core.load_recipe(path)
    said = dry_run(recipe, device="cpu")
    assert " 0 pairs" not in said and "no pair can ever count" not in said
    assert path.stem in recipe.model_dump_json()

def test_all_were_looked_at():
    assert len(RECIPES) == 9
"""


@pytest.fixture(scope="module")
def packages(tmp_path_factory) -> Path:
    """A folder with a package of each kind, and beside them their modules and metadata, as if pip had put them there."""
    folder = tmp_path_factory.mktemp("packages")
    site = folder / "site"
    for what in KIND_OF:
        names = Names(f"some_{what}")
        package = folder / names.distribution
        written = list(write_package(package, package_files(what, names)))
        assert all(path.is_file() for path in written)
        install(package, names, site)
    (folder / "test_recipes.py").write_text(RECIPES_RUN)
    return folder


def install(package: Path, names: Names, site: Path) -> None:
    """Does what pip does with its setup.cfg."""
    setup = read_setup(package)
    info = site / f"{names.module}-{setup['metadata']['version']}.dist-info"
    info.mkdir(parents=True)
    named = f"Name: {setup['metadata']['name']}\nVersion: {setup['metadata']['version']}\n"
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\n{named}")
    (info / "entry_points.txt").write_text(f"[jepa_core]{setup['options.entry_points']['jepa_core']}\n")
    module = f"{setup['options']['py_modules']}.py"
    (site / module).write_bytes((package / module).read_bytes())


def read_setup(package: Path) -> ConfigParser:
    setup = ConfigParser()
    setup.read(package / "setup.cfg", encoding="utf-8")
    return setup


def test_the_tests_of_every_kind_pass_and_its_recipe_runs(packages):
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", packages, packages]
    done = python(*command, cwd=packages, packages=packages / "site", environment={"HF_HUB_OFFLINE": "1"})
    assert done.returncode == 0, done.stdout + done.stderr
    assert int(re.findall(r"(\d+) passed", done.stdout)[0]) > 140
    assert "skipped" not in done.stdout


def test_they_are_written_as_linters_want(packages):
    chosen = ["--isolated", "--line-length", "120"]
    for command in (["check", "--select", RULES], ["format", "--check"]):
        for what in KIND_OF:
            package = packages / f"jepa-some-{what}"
            done = subprocess.run(
                [sys.executable, "-m", "ruff", *command, *chosen, "."],
                cwd=package,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("what", KIND_OF)
def test_nothing_of_the_template_is_left(what):
    files = package_files(what, Names("far_off"))
    for path, content in files.items():
        assert not re.search(r"[Oo]wn[_-]?[Nn]ame|KIND|USED|VERSION", path + content), path
        assert content.endswith("\n")
        assert not content.endswith("\n\n")
    assert {"setup.cfg", "pyproject.toml", "README.md", ".gitignore", "jepa_far_off.py", "far_off.yaml"} < set(files)
    assert ("def far_off(" if what == "dataset" else "class FarOff") in files["jepa_far_off.py"]
    assert files["pyproject.toml"].count("\n") == 3


@pytest.mark.parametrize("what", KIND_OF)
def test_what_pip_reads_names_what_is_there(what, tmp_path):
    names = Names("far_off")
    list(write_package(tmp_path / "new", package_files(what, names)))
    setup = read_setup(tmp_path / "new")
    point, _, module = setup["options.entry_points"]["jepa_core"].strip().partition(" = ")
    assert (point, module) == ("far_off", "jepa_far_off")
    assert (tmp_path / "new" / f"{module}.py").is_file()
    assert "pytest" in setup["options.extras_require"]["test"]
    jobs = yaml.safe_load((tmp_path / "new" / ".github" / "workflows" / "tests.yml").read_text())["jobs"]
    assert any("pytest" in step.get("run", "") for step in jobs["tests"]["steps"])


@pytest.mark.parametrize("what", KIND_OF)
def test_it_is_used_where_recipes_name_its_kind(what):
    place = yaml.safe_load(filled(USED[what], what, Names("far_off")))
    for key in KINDS[KIND_OF[what]].key.split("."):
        place = place[key]
    assert "far_off" in str(place)


def test_a_name_that_the_code_means_something_else_by_is_refused():
    with pytest.raises(ComponentError, match="a mask's code has a 'Tensor' already"):
        package_files("mask", Names("tensor"))
    with pytest.raises(ComponentError, match="a dataset's code has a 'random' already"):
        package_files("dataset", Names("random"))
    assert package_files("distance", Names("random"))


def test_identifiers_are_what_is_bound_and_what_is_read():
    code = "import os.path as p\nclass A:\n    def f(self, x: int = y): return z\n"
    assert identifiers(code) == {"p", "A", "f", "self", "x", "int", "y", "z"}


def test_what_is_there_is_left_as_it_is(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for name in ("there", "link"):
        with pytest.raises(JepaError, match=f"{name}: exists already, and is left as it is"):
            list(write_package(tmp_path / name, {"a": "b\n"}))
    assert list((tmp_path / "there").iterdir()) == []
    assert not (tmp_path / "nowhere").exists()
