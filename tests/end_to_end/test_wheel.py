"""The wheel, built from the source distribution and installed elsewhere, trains a recipe by name."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
from pathlib import Path
from zipfile import ZipFile

import pytest
from packaging.metadata import Metadata

ROOT = Path(__file__).parents[2]
SOURCES = ["setup.cfg", "pyproject.toml", "MANIFEST.in", "README.md", "CHANGELOG.md", "docs/PACKAGE.md", "LICENSE"]
SOURCES += ["jepa_core", "plugins", "recipes", "tests"]
BUILD = "import sys, setuptools.build_meta as builder; builder.build_sdist(sys.argv[1])"
SMALL = [
    "data.entities_both_ways=20",
    "data.entities_one_way=10",
    "data.relation_pairs=1",
    "data.name_multiplicity=null",
]
SMALL += ["model.config.n_layer=1", "model.config.n_embd=16", "model.config.n_head=2", "training.warmup_steps=0"]
WHERE = """
import jepa_core, jepa_plugins, jepa_recipes
from importlib.metadata import distribution
print(jepa_core.__file__, jepa_plugins.__file__, jepa_recipes.__file__, distribution("jepa-core").locate_file(""))
"""


def succeed(*command: object, cwd: Path) -> str:
    """Returns what a command prints; fails where it does. Nothing of this checkout is on its path."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(
        list(map(str, command)), cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> Path:
    """The source distribution, built from a copy, because building leaves its traces beside the sources."""
    folder = tmp_path_factory.mktemp("sources")
    for name in SOURCES:
        source, target = ROOT / name, folder / "sources" / name
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    succeed(sys.executable, "-c", BUILD, folder, cwd=folder / "sources")
    (built,) = folder.glob("jepa_core-*.tar.gz")
    return built


@pytest.fixture(scope="module")
def wheel(sources, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", folder]
    succeed(sys.executable, "-m", "pip", "wheel", *options, sources, cwd=folder)
    (built,) = folder.glob("jepa_core-*.whl")
    return built


@pytest.fixture(scope="module")
def programs(wheel, tmp_path_factory) -> Path:
    """The folder of programs of a new environment with the wheel; what it depends on is the parent's."""
    environment = tmp_path_factory.mktemp("installed") / "env"
    venv.create(environment, with_pip=False, symlinks=True)
    python = environment / "bin" / "python"
    options = ["--no-deps", "--no-index", "--quiet"]
    succeed(sys.executable, "-m", "pip", "--python", python, "install", *options, wheel, cwd=environment)
    (site,) = (environment / "lib").glob("python3*/site-packages")
    # Plain paths: .pth files in those folders, such as of an editable jepa-core, are not read.
    parents = dict.fromkeys(path for path in sys.path if path.endswith("-packages"))
    (site / "parent.pth").write_text("".join(f"{path}\n" for path in parents))
    return environment / "bin"


def test_the_source_distribution_is_what_a_wheel_is_built_from(sources):
    with tarfile.open(sources) as held:
        names = {Path(*Path(name).parts[1:]).parts[0] for name in held.getnames() if "/" in name}
    expected = {Path(name).parts[0] for name in SOURCES} - {"tests"}
    assert names == expected | {"PKG-INFO", "jepa_core.egg-info"}


def test_the_wheel_holds_every_module_and_the_data(wheel):
    held = set(ZipFile(wheel).namelist())
    folders = {"jepa_core": "jepa_core", "jepa_plugins": "plugins", "jepa_recipes": "recipes"}
    for package, folder in folders.items():
        here = [path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
        assert {f"{package}/{path.relative_to(ROOT / folder)}" for path in here} <= held
    assert "jepa_recipes/data/wordnet/facts.jsonl" in held
    assert "jepa_core/py.typed" in held
    licences = {name.rpartition("/")[2] for name in held if "/licenses/" in name}
    assert licences == {"LICENSE", "LICENSE.wordnet"}
    assert not any(name.startswith("tests") for name in held)


def test_its_metadata_is_what_an_index_takes_and_its_page_has_no_link_that_needs_this_repository(wheel):
    found = Metadata.from_email(ZipFile(wheel).read("jepa_core-0.1.0.dist-info/METADATA"), validate=True)
    assert (found.name, found.author, found.license_expression) == ("jepa-core", "jepa-core", "Apache-2.0")
    assert found.description_content_type == "text/markdown"
    links = re.findall(r"\]\(([^)]+)\)", found.description)
    assert links
    assert [link for link in links if not link.startswith("https://")] == []
    assert {"Programming Language :: Python :: 3.13", "Typing :: Typed"} <= set(found.classifiers)


def test_the_installed_one_is_used(programs, tmp_path):
    found = succeed(programs / "python", "-c", WHERE, cwd=tmp_path).split()
    assert len(found) == 4
    assert all(Path(path).is_relative_to(programs.parent) for path in found)


def test_every_recipe_is_there(programs, tmp_path):
    listed = succeed(programs / "jepa-run", "list", "recipes", cwd=tmp_path)
    names = {line.split()[0] for line in listed.splitlines() if line.strip()}
    assert {path.stem for path in (ROOT / "recipes").glob("*.yaml")} <= names


def test_a_recipe_trains_by_name(programs, tmp_path):
    said = succeed(programs / "jepa-run", "cosine_k1", "--max-steps", 2, "--device", "cpu", *SMALL, cwd=tmp_path)
    assert "runs/cosine_k1: trained" in said
    metrics = json.loads((tmp_path / "runs" / "cosine_k1" / "metrics.json").read_text())
    assert set(metrics) == {"train", "atomic", "test"}
    assert metrics["test"]["num_samples"] == 5
