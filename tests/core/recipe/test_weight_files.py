"""Weights in a folder that are not there, not whole or not weights, by their files alone."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from jepa_core.recipe.weight_files import Odd, check_weights, read_object, weight_bytes

PARTS = [f"model-0000{n}-of-00004.safetensors" for n in range(1, 5)]


def tensors(kind: str = "F32", size: int = 16, **more: Any) -> bytes:
    """A safetensors file of one tensor, written by hand."""
    header = {"w": {"dtype": kind, "shape": [size // 4], "data_offsets": [0, size]}, **more}
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(size)


def index(folder: Path, *names: str) -> None:
    weights = {f"w{number}": name for number, name in enumerate(names)}
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": weights}))


def told(folder: Path) -> str:
    with pytest.raises(Odd) as caught:
        check_weights(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value).replace(str(folder), "m")


def test_whole_weights_are_whole(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(tensors(__metadata__={"format": "pt"}))
    check_weights(tmp_path)
    assert weight_bytes(tmp_path) == len(tensors(__metadata__={"format": "pt"}))


def test_parts_are_all_looked_at(tmp_path):
    index(tmp_path, *PARTS)
    for name in PARTS:
        (tmp_path / name).write_bytes(tensors())
    check_weights(tmp_path)
    assert weight_bytes(tmp_path) == 4 * len(tensors())
    (tmp_path / PARTS[2]).write_bytes(tensors()[:-1])
    assert told(tmp_path) == f"m/{PARTS[2]}: is cut off: {len(tensors()) - 1} of {len(tensors())} bytes are there"


def test_parts_that_are_missing_are_counted_and_named(tmp_path):
    index(tmp_path, *PARTS)
    assert told(tmp_path) == (
        f"m: 4 of 4 files of weights are missing: {', '.join(PARTS[:3])} and 1 more (by model.safetensors.index.json)"
    )


@pytest.mark.parametrize("name", ["../model.safetensors", "/etc/passwd", "sub/model.safetensors", "config.json", ""])
def test_an_index_names_files_of_weights_in_its_folder(tmp_path, name):
    index(tmp_path, name)
    assert told(tmp_path).endswith(f"names {json.dumps(name)}, which is no file of weights in this folder")


@pytest.mark.parametrize("content", ["{}", '{"weight_map": ["a"]}', '{"weight_map": {}}', '{"weight_map": "a"}'])
def test_an_index_without_weights(tmp_path, content):
    (tmp_path / "model.safetensors.index.json").write_text(content)
    assert told(tmp_path).endswith("expected a 'weight_map', from names of weights to files")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n", "is a pointer of Git LFS"),
        (b"/annex/objects/SHA256E-s5--a.safetensors\n", "is a pointer of git-annex"),
        (b"<!DOCTYPE html><html>", "is a page of the web"),
        (b"abc", "is no safetensors file"),
        ((1 << 62).to_bytes(8, "little") + b"{}", "is no safetensors file"),
        (tensors()[:30], "is cut off, in its header, after 30 bytes"),
        (tensors()[:-7], "is cut off: "),
        ((2).to_bytes(8, "little") + b"[]", "is no safetensors file"),
        ((7).to_bytes(8, "little") + b'{"w":5}', "is no safetensors file"),
        ((5).to_bytes(8, "little") + b"\xff\xfe{}}", "is no safetensors file"),
        (tensors("I8", 4096), "most weights are of type I8: quantized weights can't be trained"),
        (tensors("F8_E4M3"), "most weights are of type F8_E4M3"),
    ],
)
def test_what_is_no_file_of_weights_is_told_with_the_reason(tmp_path, content, words):
    (tmp_path / "model.safetensors").write_bytes(content)
    assert words in told(tmp_path)


def test_a_table_of_whole_numbers_beside_the_weights_is_fine(tmp_path):
    beside = {"places": {"dtype": "I64", "shape": [1], "data_offsets": [16, 24]}}
    (tmp_path / "model.safetensors").write_bytes(tensors(**beside) + bytes(8))
    check_weights(tmp_path)


@pytest.mark.parametrize("kind", ["pipe", "folder", "link", "loop"])
def test_what_is_no_file_is_told_and_not_waited_for(tmp_path, kind):
    path = tmp_path / "model.safetensors"
    make = {
        "pipe": lambda: os.mkfifo(path),
        "folder": path.mkdir,
        "link": lambda: path.symlink_to("../../blobs/abc"),
        "loop": lambda: path.symlink_to(path.name),
    }
    make[kind]()
    wanted = "is no regular file" if kind in ("pipe", "folder") else "is a link that leads nowhere"
    assert told(tmp_path) == f"m/model.safetensors: {wanted}"


def test_a_link_to_weights_is_followed(tmp_path):
    """Files in the Hub's cache are such links."""
    (tmp_path / "blob").write_bytes(tensors())
    (tmp_path / "m").mkdir()
    (tmp_path / "m" / "model.safetensors").symlink_to("../blob")
    check_weights(tmp_path / "m")


@pytest.mark.parametrize(
    ("file", "words"),
    [
        ("model-q4.gguf", "GGUF"),
        ("tf_model.h5", "TensorFlow's form"),
        ("flax_model.msgpack", "Flax's form"),
        ("onnx/model.onnx", "ONNX"),
        ("consolidated.00.pth", "its maker's own form"),
        ("consolidated.safetensors", "another name: expected model.safetensors"),
        ("weights.bin", "another name: expected pytorch_model.bin"),
    ],
)
def test_weights_in_another_form_are_named(tmp_path, file, words):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).write_bytes(b"x")
    assert told(tmp_path).startswith(f"m: has no weights (model.safetensors); {file} has {words}")


def test_no_weights_at_all(tmp_path):
    (tmp_path / "config.json").write_text("{}")
    assert told(tmp_path) == "m: has no weights (model.safetensors)"


def test_pickled_weights_are_left_to_the_reader_that_takes_tensors_alone(tmp_path):
    (tmp_path / "pytorch_model.bin").write_bytes(b"PK")
    check_weights(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[1]", "expected a JSON object"),
        (b"null", "expected a JSON object"),
        (b"{", "is no JSON: "),
        (b"\xef\xbb\xbf{}", "is no JSON: Unexpected UTF-8 BOM"),
        (b'{"a": "\xe9"}', "is no UTF-8: byte 8 of it"),
        (b"[" * 100_000, "is nested too deep"),
    ],
)
def test_what_is_no_object_is_told(tmp_path, content, words):
    (tmp_path / "config.json").write_bytes(content)
    with pytest.raises(Odd, match=words):
        read_object(tmp_path / "config.json")


def test_a_file_of_json_has_a_size_that_can_be(tmp_path):
    with open(tmp_path / "config.json", "wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(Odd, match="is larger than 64 MiB"):
        read_object(tmp_path / "config.json")
