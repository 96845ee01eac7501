"""A light start, and all mistakes of a recipe at once, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import jepa_core
from jepa_core.cli import main

MISTAKES = """\
description: Five mistakes.
sed: 1
model:
  config: {model_type: gpt2, n_lyer: 2}
objective:
  k: two
  distance:
    name: cosine
    epss: 1e-6
training:
  learning_rat: 1e-3
"""
FOUND = [
    "mistakes.yaml:2: sed: unknown key; did you mean 'seed'?",
    "mistakes.yaml:4: model.config.n_lyer: unknown key of a gpt2 configuration; did you mean 'n_layer'?",
    "mistakes.yaml:6: objective.k: expected a whole number, not the text 'two'",
    "mistakes.yaml:9: objective.distance.epss: unknown option of 'cosine' (from jepa-core); did you mean 'eps'?",
    "mistakes.yaml:11: training.learning_rat: unknown key; did you mean 'learning_rate'?",
]
#: Runs commands one after the other, and says what they imported.
LIGHT = """
import sys
from jepa_core.cli.main import app
for command in (["--help"], ["--version"], ["cp", "cosine_k1", "mine.yaml"], ["list", "recipes"], ["cp", "--help"]):
    assert not app(command, prog_name="jepa-run", standalone_mode=False)
print("heavy:", [name for name in ("torch", "transformers", "numpy") if name in sys.modules])
hooks = {kind.hook for kind in __import__("jepa_core.components").components.KINDS.values()}
print("components:", [name for name, of in sys.modules.items() if name.startswith("jepa_plugins") and hooks & set(vars(of))])
"""


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True, check=False)


def test_a_light_start(tmp_path):
    done = python(tmp_path, "-c", LIGHT)
    assert done.returncode == 0, done.stderr
    assert "heavy: []" in done.stdout
    assert "components: []\n" in done.stdout  # but the commands that tasks bring, which are in the help
    assert f"jepa-core {jepa_core.__version__}\n" in done.stdout
    assert "cosine_k1   " in done.stdout
    assert (tmp_path / "mine.yaml").is_file()


def test_five_mistakes_are_five_lines_and_validate_does_without_torch(tmp_path):
    (tmp_path / "mistakes.yaml").write_text(MISTAKES)
    done = python(tmp_path, "-X", "importtime", "-m", "jepa_core.cli.main", "validate", "mistakes.yaml")
    lines = done.stderr.splitlines()
    imported = {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}
    assert [line for line in lines if not line.startswith("import time:")] == [*FOUND, "5 problems; nothing was run"]
    assert (done.returncode, done.stdout) == (2, "")
    assert "jepa_core.recipe.examine" in imported
    assert not {"torch", "transformers", "jepa_core.launch.run"} & imported


@pytest.mark.parametrize("under", [True, False])
def test_a_process_of_torchrun_ends_with_its_agent(monkeypatch, under):
    """A killed agent tells its processes nothing."""
    watched: list[int] = []
    for name, stand_in in {"stop_with_parent": watched.append, "app": lambda **_: None}.items():
        monkeypatch.setattr(main, name, stand_in)
    for name in ("outlive_readers", "plain_warnings"):  # of this process for good
        monkeypatch.setattr(main, name, lambda: None)
    monkeypatch.setenv("TORCHELASTIC_RUN_ID" if under else "OTHER", "jepa")
    main.main()
    assert watched == [os.getppid()] * under
