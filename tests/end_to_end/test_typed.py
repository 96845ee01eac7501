"""A stranger's code is checked against our types, from an editable install that type checkers can follow."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from jepa_plugins.scaffold.names import KIND_OF, Names
from jepa_plugins.scaffold.package import package_files

ROOT = Path(__file__).parents[2]
SOURCES = ["setup.cfg", "pyproject.toml", "LICENSE", "docs/PACKAGE.md", "jepa_core", "plugins", "recipes"]
#: Others' packages are left out of sight: they are large, and not what is asked for.
CONFIG = """
[mypy]
check_untyped_defs = true
[mypy-torch.*,transformers.*,numpy.*,pydantic.*,rich.*,huggingface_hub.*,yaml.*,safetensors.*,peft.*,tqdm.*,typer.*]
follow_imports = skip
ignore_missing_imports = true
[mypy-matplotlib.*,tokenizers.*,filelock.*,einops.*,accelerate.*,scipy.*,datasets.*,packaging.*]
follow_imports = skip
ignore_missing_imports = true
"""
WRONG = """
import jepa_core
from jepa_core import Draws, Samples, Views

def views(samples: Samples) -> Views:
    return samples.ids

jepa_core.load_recipe(3)
reveal_type(jepa_core.run(jepa_core.load_recipe("cosine_k1")))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory) -> Path:
    """A new environment with an editable install of a copy, as CONTRIBUTING says for type checkers."""
    folder = tmp_path_factory.mktemp("typed")
    for name in SOURCES:
        target = folder / "sources" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copyfile
        copy(ROOT / name, target)
    venv.create(folder / "env", with_pip=False, symlinks=True)
    python = folder / "env" / "bin" / "python"
    (site,) = (folder / "env" / "lib").glob("python3*/site-packages")
    parents = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "parent.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in parents))
    options = ["--no-index", "--no-deps", "--no-build-isolation", "--config-settings", "editable_mode=strict"]
    command = [sys.executable, "-m", "pip", "--python", python, "install", *options, "-e", folder / "sources"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return python


def mypy(python: Path, folder: Path, *files: str) -> str:
    (folder / "mypy.ini").write_text(CONFIG)
    command = [sys.executable, "-m", "mypy", "--cache-dir", python.parents[2] / "cache", "--python-executable", python]
    done = subprocess.run([*command, *files], cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_every_package_that_new_makes_is_typed(python, tmp_path):
    files = []
    for what in KIND_OF:
        names = Names(f"some_{what}")
        (tmp_path / f"{names.module}.py").write_text(package_files(what, names)[f"{names.module}.py"])
        files.append(f"{names.module}.py")
    assert mypy(python, tmp_path, *files) == f"Success: no issues found in {len(files)} source files\n"


def test_a_mistake_is_seen(python, tmp_path):
    (tmp_path / "wrong.py").write_text(WRONG)
    said = mypy(python, tmp_path, "wrong.py")
    assert 'wrong.py:8: error: Argument 1 to "load_recipe" has incompatible type "int"' in said
    assert 'wrong.py:9: note: Revealed type is "jepa_core.launch.result.Result"' in said
