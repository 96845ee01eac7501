"""A third party's day: its package is installed, found, tested with the kit, and used by a recipe."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.warm import python

PACKAGE = Path(__file__).parent / "jepa-huber"
SHOW = """
import json
from jepa_core.registry import Registry
registry = Registry.discover()
huber = registry.find("distance", "huber")
made = registry.create("distance", "huber", delta=0.5)
print(json.dumps([huber.distribution, huber.version, made.delta, [b.cause for b in registry.broken]]))
"""


@dataclass(frozen=True)
class Environment:
    """A virtual environment with the package in it, and a copy of the package's folder."""

    python: Path
    package: Path

    def run(self, *arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.python, *map(str, arguments)],
            cwd=cwd or self.package,
            env={**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "200", "PYTHONPATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )

    def warm(self, *arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """The same in a child of this process, which has torch already."""
        (packages,) = (self.python.parents[1] / "lib").glob("python3*/site-packages")
        return python(*arguments, cwd=cwd or self.package, packages=packages, environment={"COLUMNS": "200"})

    def jepa_run(self, *arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
        return self.warm("-m", "jepa_core.cli.main", *arguments, cwd=cwd)


def installed(source: Path, folder: Path) -> Environment:
    """The package by pip, without network; everything else, jepa-core too, is the parent environment's."""
    package = shutil.copytree(source, folder / source.name)
    venv.create(folder / "env", with_pip=False, symlinks=True)
    interpreter = folder / "env" / "bin" / "python"
    (site,) = (folder / "env" / "lib").glob("python3*/site-packages")
    parents = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    # addsitedir, unlike a plain path, reads the .pth files there, and so finds an editable jepa-core.
    (site / "parent.pth").write_text("".join(f"import site; site.addsitedir({p!r})\n" for p in parents))
    install = ["install", "--no-index", "--no-deps", "--no-build-isolation", "--quiet", str(package)]
    pip = subprocess.run(
        [sys.executable, "-m", "pip", "--python", interpreter, *install],
        capture_output=True,
        text=True,
        check=False,
    )
    assert pip.returncode == 0, pip.stderr
    return Environment(interpreter, package)


@pytest.fixture(scope="module")
def environment(tmp_path_factory) -> Environment:
    return installed(PACKAGE, tmp_path_factory.mktemp("thirdparty"))


def test_is_not_installed_here():
    """Otherwise the rest would prove nothing."""
    found = subprocess.run([sys.executable, "-c", "import jepa_huber"], capture_output=True, check=False)
    assert found.returncode == 1


def test_the_registry_finds_it_with_its_version(environment):
    shown = environment.run("-c", SHOW)
    assert shown.returncode == 0, shown.stderr
    assert json.loads(shown.stdout) == ["jepa-huber", "0.3.1", 0.5, []]


def test_its_own_contract_tests_pass(environment):
    tests = environment.warm("-m", "pytest", "-q", "-p", "no:cacheprovider", "tests")
    assert tests.returncode == 0, tests.stdout + tests.stderr
    assert " failed" not in tests.stdout
    assert "skipped" not in tests.stdout


def test_the_command_line_lists_it(environment, tmp_path):
    listed = environment.jepa_run("plugins", cwd=tmp_path)
    assert listed.returncode == 0, listed.stderr
    (line,) = (line for line in listed.stdout.splitlines() if "jepa-huber" in line)
    assert "0.3.1" in line
    assert "huber" in line.replace("jepa-huber:huber", "")


def test_a_recipe_uses_it_and_records_its_version(environment, tmp_path):
    run = environment.jepa_run(environment.package / "huber.yaml", "--device", "cpu", cwd=tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    resolved = yaml.safe_load((tmp_path / "runs" / "huber" / "recipe.resolved.yaml").read_text())
    assert resolved["objective"]["distance"] == {"name": "huber", "delta": 0.5}
    assert resolved["resolved"]["plugins"]["jepa-huber"] == "0.3.1"
    metrics = json.loads((tmp_path / "runs" / "huber" / "metrics.json").read_text())
    assert set(metrics) == {"train", "atomic", "test"}
