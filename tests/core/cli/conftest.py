"""The command line in this process, in a folder of its own, and a recipe that trains in a blink."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from jepa_core.cli.main import app
from tests.core.registry.sites import Site, on_the_path

TINY = """\
description: Tiny.
data:
  name: reversal_curse
  entities_both_ways: 20
  entities_one_way: 10
  relation_pairs: 1
  name_multiplicity: null
model:
  config: {model_type: gpt2, n_layer: 1, n_embd: 16, n_head: 2, n_positions: 16}
training:
  max_steps: 4
  per_device_train_batch_size: 8
  logging_steps: 1
  save_steps: 4
"""
FAR = """
import jepa_core

class Far:
    \"\"\"How far, to a power.\"\"\"

    def __init__(self, power: int = 2):
        self.power = power

    def __call__(self, predicted, target):
        return (predicted - target).abs().pow(self.power).sum(dim=-1)

@jepa_core.hookimpl
def jepa_distance_functions():
    return {"far": Far}
"""
Cli = Callable[..., Result]


def jepa_run(*arguments: object) -> Result:
    """``jepa-run`` with these arguments; ``.exit_code``, ``.stdout``, ``.stderr``."""
    import transformers.utils.logging  # its handler must not hold on to the captured stderr

    transformers.utils.logging.get_logger("transformers")
    return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="jepa-run")


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder, with its hash."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Runs ``jepa-run`` in a new folder that holds tiny.yaml."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "path", list(sys.path))  # -p adds to it
    Path("tiny.yaml").write_text(TINY)
    return jepa_run


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """The folder of a finished run of the tiny recipe."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "tiny.yaml").write_text(TINY)
    done = jepa_run(folder / "tiny.yaml", "--output-dir", folder / "run")
    assert done.exit_code == 0, done.output
    assert f"{folder / 'run'}: trained\n" in done.stdout
    return folder / "run"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    with on_the_path(tmp_path / "site-packages", monkeypatch) as site:
        yield site


@pytest.fixture(autouse=True)
def wide_tables(monkeypatch):
    """Makes tables as wide as in a pipe, whatever the environment of the tests says of a terminal's width."""
    monkeypatch.setenv("COLUMNS", "200")
