"""The whole check of a GPU, at tiny sizes on the CPU: what is written for a GPU must work at its first run there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gpu.stages import STAGES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that a run leaves. It sees neither the environment's jepa-core nor a GPU."""
    folder = tmp_path_factory.mktemp("gpu_check")
    tiny = {
        "GPU_CHECK_SECONDS": "1800",
        "GPU_CHECK_TINY": "1",
        "GPU_CHECK_PYTHON": sys.executable,
        "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [ROOT / "scripts" / "gpu_check.sh", "out"],
        env={**os.environ, **tiny},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
    )
    log = "".join(path.read_text(encoding="utf-8") for path in folder.glob("out/*.log"))
    assert done.returncode == 0, done.stdout + done.stderr + log
    return folder / "out"


@pytest.fixture(scope="module")
def stages(out: Path) -> dict[str, dict[str, Any]]:
    content = json.loads(next(out.glob("gpu-*.json")).read_text(encoding="utf-8"))
    return {stage["stage"]: stage for stage in content["stages"]}


def test_every_stage_leaves_its_result(stages):
    assert list(stages) == list(STAGES)
    states = {name: (stage["state"], bool(stage["reason"])) for name, stage in stages.items()}
    without_gpu = ("waiting", "cuda_tests", "graphs")
    assert states == {name: ("skipped", True) if name in without_gpu else ("ok", False) for name in STAGES}


def test_all_is_in_four_files(out):
    assert sorted(path.suffix for path in out.iterdir()) == [".json", ".log", ".md", ".svg"]
    text = next(out.glob("*.md")).read_text(encoding="utf-8")
    assert all(f"## {stage.title}" in text for stage in STAGES.values())


def test_all_arms_compute_the_same_and_are_timed_in_each_precision(stages):
    for name in ("steps", "text"):
        tables = stages[name]["tables"]
        arms = [row["arm"] for row in tables["The arms before their first step, fp32"]]
        assert len(arms) >= 5
        for kind in ("bf16", "tf32", "fp32"):
            rows = tables[f"Steps in {kind}"]
            assert {row["arm"] for row in rows} == set(arms)
            assert all(row["ms"] > 0 for row in rows)


def test_every_composition_is_compared(stages):
    rows = stages["equality"]["tables"]["Relative differences"]
    assert {row["composition"] for row in rows} > {"cosine, k = 1", "concept", "relational", "relational_tokens"}
    assert {row["layout"] for row in rows} >= {"packed", "rows"}


def test_streams_are_held_against_packed_rows_and_timed(stages):
    tables = stages["flat"]["tables"]
    rows = tables["Flat against packed, on this device"]
    compositions = {row["composition"] for row in stages["equality"]["tables"]["Relative differences"]}
    assert {row["composition"] for row in rows} == compositions
    assert {row["within"] for row in rows} == {"yes"}
    assert {row["arm"].split(",")[0] for row in tables["Steps in bf16"]} == {"packed", "rows", "flat"}


def test_the_run_at_scale_is_evaluated_before_meanwhile_and_after(stages):
    tables = stages["scale"]["tables"]
    assert [row["when"] for row in tables["Metrics"]] == ["untrained"] * 3 + ["after 3 steps"] * 3
    assert [row["step"] for row in tables["Evaluations while training"]] == [1, 2, 3]


def test_cuda_tests_are_found(stages):
    assert stages["cuda_tests"]["tables"]["Tests"][0]["skipped"] >= 2
