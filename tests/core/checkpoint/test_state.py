"""Files that pass for a checkpoint's, because their manifest was made to fit, and are not: told of, never run."""

from __future__ import annotations

import json
import pickle
import shutil
import struct
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from jepa_core.checkpoint.choosing import newest
from jepa_core.checkpoint.manifest import BadCheckpoint, check_checkpoint, seal
from jepa_core.errors import JepaError
from tests.auditing import heard_by
from tests.tiny_runs import run_tiny


@pytest.fixture(scope="module")
def saved(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "run"
    run_tiny(folder, "training.max_steps=4")
    return folder


@pytest.fixture
def mine(saved, tmp_path) -> Path:
    """An unfinished run with checkpoints of step 2 and 4."""
    folder = Path(shutil.copytree(saved, tmp_path / "run"))
    (folder / "metrics.json").unlink()
    return folder


FILES = ("model.safetensors", "optimizer.safetensors", "random_0.safetensors", "state.json", "trainer_state.json")


def test_nothing_is_pickled(saved):
    for path in (saved / "checkpoints").rglob("*"):
        if path.is_file():
            assert path.suffix in (".safetensors", ".json"), path
            assert not path.read_bytes().startswith((b"\x80", b"PK"))
    assert {path.name for path in (saved / "checkpoints/checkpoint-4").iterdir()} >= {*FILES, "manifest.json"}


def damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "missing":
        path.unlink()
        return
    if how == "swapped":
        other = path.parent.with_name("checkpoint-2") / path.name
        content = bytearray(other.read_bytes())
    elif how == "header bit":
        content[3] ^= 1
    elif how == "last bit":
        content[-1] ^= 0x80
    elif how == "middle bit":
        content[len(content) // 2] ^= 4
    else:
        content = content[: int(len(content) * float(how))]
    path.write_bytes(content)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("how", ["missing", "swapped", "header bit", "middle bit", "last bit", "0", "0.3", "0.999"])
def test_damage_is_noticed_and_the_one_before_is_taken(mine, name, how):
    damage(mine / "checkpoints" / "checkpoint-4" / name, how)
    said: list[str] = []
    assert newest(mine / "checkpoints", None, said.append) == mine / "checkpoints" / "checkpoint-2"
    assert len(said) == 1
    assert f"checkpoint-4/{name}: " in said[0]


def test_a_run_goes_on_from_the_one_before_to_the_same_bits(mine, saved):
    damage(mine / "checkpoints/checkpoint-4/optimizer.safetensors", "middle bit")
    said: list[str] = []
    assert run_tiny(mine, "training.max_steps=4", say=said.append).state == "resumed"
    assert any(
        "warning: " in line and "optimizer.safetensors: its content is not what was written" in line for line in said
    )
    for name in ("model/model.safetensors", "checkpoints/checkpoint-4/optimizer.safetensors"):
        assert (mine / name).read_bytes() == (saved / name).read_bytes()


def test_none_whole_is_an_error(mine):
    for step in (2, 4):
        damage(mine / f"checkpoints/checkpoint-{step}/state.json", "0.3")
    with pytest.raises(BadCheckpoint, match="no checkpoint to go on from"):
        run_tiny(mine, "training.max_steps=4")


class Evil:
    def __reduce__(self):
        return (open, ("executed", "w"))


def header(text: bytes, length: int | None = None) -> bytes:
    return struct.pack("<Q", len(text) if length is None else length) + text


HUGE = b'{"a":{"dtype":"F32","shape":[1000000000000],"data_offsets":[0,4000000000000]}}'
OVERLAP = (
    b'{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}'
)
CRAFTED = {
    "a pickle": pickle.dumps(Evil()),
    "a longer header than file": header(b"{}", 1 << 40),
    "no header": header(b"", 0),
    "a tensor beyond the file": header(HUGE),
    "tensors that overlap": header(OVERLAP) + bytes(12),
    "deep": header(b'{"a":' * 50_000),
    "many": header(
        b"{" + b",".join(b'"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}' % i for i in range(5_000)) + b"}"
    ),
    "another shape": header(b'{"0.exp_avg":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}') + bytes(4),
}


def reseal(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    seal(folder, int(folder.name.partition("-")[2]))
    check_checkpoint(folder)


def refused(folder: Path, words: str) -> None:
    """Going on from it is an error of one message, soon, and nothing of it runs."""
    ran: list[str] = []

    def note(event: str, args: tuple) -> None:
        if event in ("pickle.find_class", "os.system", "subprocess.Popen") and args[:2] != ("git", None):
            ran.append(f"{event} {args[0]}")

    began = time.monotonic()
    with pytest.raises(JepaError, match=words) as caught, heard_by(note):
        run_tiny(folder, "training.max_steps=4")
    assert time.monotonic() - began < 10
    assert [event for event in ran if event != "subprocess.Popen git"] == []
    assert not Path("executed").exists()
    assert len(str(caught.value)) < 2000


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "random_0.safetensors"])
@pytest.mark.parametrize("what", CRAFTED)
def test_crafted_tensors(mine, name, what, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (mine / "checkpoints/checkpoint-4" / name).write_bytes(CRAFTED[what])
    reseal(mine / "checkpoints/checkpoint-4")
    if name == "model.safetensors":  # the one before would be good
        shutil.rmtree(mine / "checkpoints/checkpoint-2")
    if name == "random_0.safetensors":  # read when there is a step to go on with
        (mine / "checkpoints/checkpoint-2" / name).write_bytes(CRAFTED[what])
        reseal(mine / "checkpoints/checkpoint-2")
        shutil.rmtree(mine / "checkpoints/checkpoint-4")
    refused(mine, rf"{name}|checkpoint-4: these weights do not fit|no size")


def test_a_pickle_under_transformers_own_name_is_never_opened(mine, monkeypatch, tmp_path):
    """Reads no such file, whether it is called optimizer.pt or stands in the manifest."""
    monkeypatch.chdir(tmp_path)
    folder = mine / "checkpoints/checkpoint-4"
    for name in ("optimizer.pt", "scheduler.pt", "rng_state.pth", "pytorch_model.bin", "training_args.bin"):
        (folder / name).write_bytes(pickle.dumps(Evil()))
    reseal(folder)
    assert run_tiny(mine, "training.max_steps=4").state == "resumed"
    assert not Path("executed").exists()


@pytest.mark.parametrize("name", ["state.json", "trainer_state.json"])
@pytest.mark.parametrize(
    "change",
    [
        {"global_step": 10**400},
        {"global_step": "x", "schedule": [], "processes": "x"},
        {"max_steps": 4, "schedule": None, "global_step": 3, "optimizer": None, "processes": None},
        {"__class__": "os.system", "optimizer": {"param_groups": [{"params": [0]}], "values": {}}},
    ],
    ids=str,
)
def test_crafted_json(mine, name, change):
    path = mine / "checkpoints/checkpoint-4" / name
    data = json.loads(path.read_text())
    path.write_text(json.dumps(data | change))
    before = path.read_text()
    reseal(path.parent)
    if name == "state.json" and not change.keys() & data.keys():
        return  # keys that nobody reads
    refused(mine, "state.json|optimizer.safetensors: can't be used: ValueError: the state of 1 parameters")
    assert path.read_text() == before


def test_not_a_number_where_one_belongs(mine):
    path = mine / "checkpoints/checkpoint-4/optimizer.safetensors"
    tensors = load_file(path)
    save_file({name: tensor[:-1] if tensor.dim() else tensor for name, tensor in tensors.items()}, path)
    reseal(path.parent)
    refused(mine, r"optimizer\.safetensors: can't be used: .*is of shape")
    assert torch.is_tensor(next(iter(tensors.values())))
