"""README and CONTRIBUTING are run: their Python, as it stands, in one folder."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from jepa_core.components import KINDS
from jepa_core.registry import Registry
from tests.warm import python

ROOT = Path(__file__).parents[2]


def python_blocks(document: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", (ROOT / document).read_text(encoding="utf-8"), re.M | re.S)


def run(folder: Path, *command: str) -> str:
    done = python(*command, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with the two modules that README tells its reader to save."""
    folder = tmp_path_factory.mktemp("readme")
    plugin, contract, loop, whole = python_blocks("README.md")
    for name, text in {"huber": plugin, "test_huber": contract, "loop": loop, "whole": whole}.items():
        (folder / f"{name}.py").write_text(text, encoding="utf-8")
    return folder


def test_the_distance_is_twelve_lines(folder):
    lines = [line for line in (folder / "huber.py").read_text().splitlines() if line.strip()]
    assert len(lines) <= 12


def test_the_distance_trains_as_readme_says(folder):
    command = re.search(
        r"`jepa-run (cosine_k1 --plugin huber.py) '(.*?)' output_dir=runs/huber`", (ROOT / "README.md").read_text()
    )
    assert command
    out = run(folder, "-m", "jepa_core.cli.main", *command[1].split(), command[2], "--dry-run")
    assert "1 ntp + 1 huber" in out


def test_the_distance_keeps_its_contract(folder):
    out = run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_huber.py")
    assert re.search(r"\d+ passed", out)
    assert "failed" not in out


def test_the_bare_loop_learns(folder):
    out = run(folder, "loop.py")
    pairs, ntp, jepa = re.match(r"(\d+) pairs, ntp loss ([\d.]+), jepa loss ([\d.]+)", out).groups()
    assert 0 < int(pairs) <= 64
    assert float(ntp) < 5.5  # below guessing among the 247 tokens: 5.51
    assert float(jepa) < 0.5


def test_a_run_from_python_can_be_loaded_again(folder):
    out = run(folder, "whole.py")
    assert "runs/short" in out
    assert "CosineDistance" in out
    assert (folder / "runs" / "short" / "metrics.json").is_file()


def test_the_components_of_contributing_come_in(tmp_path):
    (block,) = python_blocks("CONTRIBUTING.md")
    path = tmp_path / "example_components.py"
    path.write_text(block, encoding="utf-8")
    registry = Registry.discover()
    registry.add_file(path)
    offered = {(c.kind, c.name) for c in registry.describe() if c.plugin.name == str(path)}
    assert offered == {
        ("reversal", "question_to_tail"),
        ("mask", "everything_before"),
        ("embedding", "middle"),
        ("predictor", "scaled"),
        ("distance", "squared"),
        ("regularizer", "spread"),
        ("filter", "even_samples"),
        ("evaluation", "lengths"),
        ("rehearsal", "nothing"),
        ("dataset", "own_folder"),
    }
    assert {kind for kind, _ in offered} == set(KINDS)


def test_the_components_of_contributing_train(tmp_path):
    path = tmp_path / "example_components.py"
    path.write_text(python_blocks("CONTRIBUTING.md")[0], encoding="utf-8")
    pieces = ["reversal=question_to_tail", "mask=everything_before", "embedding=middle", "predictor=scaled"]
    pieces += ["distance=squared", "regularizers=[spread]", "filters=[even_samples]"]
    overrides = [*(f"objective.{piece}" for piece in pieces), "evaluation.also=[lengths]"]
    out = run(tmp_path, "-m", "jepa_core.cli.main", "cosine_k1", "--plugin", str(path), *overrides, "--dry-run")
    assert "question_to_tail reversal, everything_before mask" in out
