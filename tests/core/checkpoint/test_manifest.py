"""Files that are not exactly what was written are noticed, and named."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jepa_core.checkpoint.manifest import BadCheckpoint, check_checkpoint, json_of, seal


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "checkpoint-7"
    folder.mkdir()
    (folder / "a.json").write_text('{"a": 1}')
    (folder / "b.safetensors").write_bytes(bytes(range(256)) * 8)
    seal(folder, 7)
    return folder


def bad(folder: Path, words: str) -> None:
    with pytest.raises(BadCheckpoint, match=words):
        check_checkpoint(folder)


def test_what_was_sealed_is_good(folder):
    assert check_checkpoint(folder) == 7
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["files"]["b.safetensors"]["bytes"] == 2048
    assert manifest["files"]["a.json"]["sha256"] == "f9d86028c6e0d64e225186f96acb69338b2c59764df79162107f5c4bb34d1310"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_bit_and_no_cut_goes_unnoticed(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("m") / "checkpoint-1"
    folder.mkdir()
    (folder / "a").write_bytes(b"some content of a file")
    seal(folder, 1)
    path = folder / data.draw(st.sampled_from(["a", "manifest.json"]))
    content = bytearray(path.read_bytes())
    if data.draw(st.booleans()):
        bit = data.draw(st.integers(0, len(content) * 8 - 1))
        content[bit // 8] ^= 1 << bit % 8
    else:
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    same = path.name == "manifest.json" and _equal(content, path.read_bytes())
    path.write_bytes(content)
    if not same:
        bad(folder, "checkpoint-1/")


def _equal(one: bytes, other: bytes) -> bool:
    """JSON may say the same in other bytes, such as a tab for a space."""
    try:
        return json.loads(one) == json.loads(other)
    except ValueError:
        return False


@pytest.mark.parametrize("size", [0, 1, 2047])
def test_cut(folder, size):
    os.truncate(folder / "b.safetensors", size)
    bad(folder, rf"b\.safetensors: has {size:,} bytes, the manifest says 2,048")


def test_missing(folder):
    (folder / "a.json").unlink()
    bad(folder, r"a\.json: missing")


def test_missing_manifest(folder):
    (folder / "manifest.json").unlink()
    bad(folder, r"manifest\.json: missing")


def test_a_file_too_many(folder):
    (folder / "optimizer.pt").write_text("x")
    bad(folder, r"optimizer\.pt: not named in the manifest")


def test_swapped(folder, tmp_path):
    (folder / "a.json").write_text('{"a": 2}')
    bad(folder, r"a\.json: its content is not what was written")


def test_under_the_name_of_another_step(folder):
    bad(folder.rename(folder.with_name("checkpoint-9")), "is that of step 7, not of checkpoint-9")


@pytest.mark.parametrize(
    "manifest",
    [
        [],
        {},
        {"format": 1, "step": 7, "files": 3},
        {"format": 1, "step": 7, "files": {"a": None}},
        {"format": 1, "step": 7, "files": {"a": {"bytes": "x", "sha256": ""}}},
    ],
)
def test_no_manifest_of_ours(folder, manifest):
    (folder / "manifest.json").write_text(json.dumps(manifest))
    bad(folder, "not a checkpoint's manifest")


def test_of_a_later_format(folder):
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('"format": 1', '"format": 2'))
    bad(folder, "format 2 is not known here")


class TestHostile:
    def test_a_name_that_leads_elsewhere(self, folder):
        manifest = json.loads((folder / "manifest.json").read_text())
        manifest["files"]["../secret"] = {"bytes": 0, "sha256": ""}
        (folder / "manifest.json").write_text(json.dumps(manifest))
        bad(folder, "names '../secret', which is no file of this folder")

    @pytest.mark.parametrize("name", ["b.safetensors", "manifest.json"])
    def test_a_pipe_is_not_waited_for(self, folder, name):
        (folder / name).unlink()
        os.mkfifo(folder / name)
        bad(folder, f"{name}: not a regular file")

    @pytest.mark.parametrize("target", ["/dev/zero", "a.json"])
    def test_a_link_is_not_followed(self, folder, target):
        (folder / "b.safetensors").unlink()
        (folder / "b.safetensors").symlink_to(target)
        bad(folder, r"b\.safetensors: not a regular file")

    @pytest.mark.parametrize("text", ["[" * 100_000, "9" * 5000, '{"a"', "\xff"])
    def test_json_that_would_cost_much(self, tmp_path, text):
        (tmp_path / "state.json").write_text(text, encoding="latin-1")
        with pytest.raises(BadCheckpoint, match=r"state\.json: can't be read"):
            json_of(tmp_path / "state.json")

    def test_json_too_large_to_be_ours(self, tmp_path):
        with open(tmp_path / "state.json", "wb") as file:
            file.truncate(10 << 30)  # a hole: it takes no space
        with pytest.raises(BadCheckpoint, match="larger than 64 MiB"):
            json_of(tmp_path / "state.json")
