"""Checks that a model's folder has all weights, whole as far as names, sizes and headers tell; none are read."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

WHOLE = "model.safetensors"
#: In the order in which transformers looks for them.
_PLACES = (WHOLE, f"{WHOLE}.index.json", "pytorch_model.bin", "pytorch_model.bin.index.json")
_INDEX = ".index.json"
#: The longest file of JSON, and the longest header that safetensors reads.
_MOST, _HEADER = 1 << 26, 100_000_000
_FLOATS = ("F64", "F32", "F16", "BF16")
#: Beginnings of files that only stand for another one.
_POINTERS = {
    b"version https://git-lfs.github.com/": "is a pointer of Git LFS, not the file: get it with git lfs pull",
    b"/annex/objects/": "is a pointer of git-annex, not the file: get it with git annex get",
    b"<!doctype html": "is a page of the web, not the file: download it again",
    b"<html": "is a page of the web, not the file: download it again",
}
#: Endings of files with weights in a form that is not read, and the advice.
_ELSE = {
    ".gguf": "GGUF, whose weights can't be trained: give the folder of the model that it was made from",
    ".h5": "TensorFlow's form: save it again with transformers' save_pretrained",
    ".msgpack": "Flax's form: save it again with transformers' save_pretrained",
    ".onnx": "ONNX, which can't be trained: give the folder of the model that it was made from",
    ".pth": "its maker's own form: convert it with transformers' convert_*_weights_to_hf.py",
    ".safetensors": f"another name: expected {WHOLE}, or {WHOLE}.index.json and the parts that it names",
    ".bin": "another name: expected pytorch_model.bin",
}


class Odd(Exception):
    """The reason why a folder is no model, in a line that names the file."""


def check_weights(folder: Path) -> None:
    """Raises Odd where a file is missing, cut off, or something else; what stands in the weights is not looked at."""
    sizes: dict[str, int] = {}
    for part in _files(folder):
        if part.suffix == ".safetensors":
            _count(_header(part), sizes)
        else:
            refuse_pointer(part)
    if sizes and sum(sizes.get(kind, 0) for kind in _FLOATS) * 2 < sum(sizes.values()):
        most = max(sizes, key=lambda kind: sizes[kind])
        raise Odd(f"{folder}: most weights are of type {most}: quantized weights can't be trained; give the full ones")


def _files(folder: Path) -> list[Path]:
    """Finds the files that transformers would read."""
    place = next((folder / name for name in _PLACES if os.path.lexists(folder / name)), None)
    if place is None:
        raise Odd(f"{folder}: has no weights ({WHOLE}){in_other_form(folder)}")
    return _parts(place) if place.name.endswith(_INDEX) else [place]


def weight_bytes(folder: Path) -> int:
    """Returns the size of all files of weights that :func:`check_weights` found whole."""
    return sum(part.stat().st_size for part in _files(folder))


def in_other_form(folder: Path) -> str:
    """Tells what else is there that holds weights, after ``; ``; empty where there is nothing."""
    places = [*folder.glob("*"), *folder.glob("*/*")]
    for ending, words in _ELSE.items():
        if found := sorted(path.relative_to(folder) for path in places if path.name.endswith(ending)):
            return f"; {found[0]} has {words}"
    return ""


def read_object(path: Path) -> dict[str, Any]:
    """Reads the object in a JSON file. Raises Odd for anything else."""
    try:
        refuse_pointer(path)
        content = path.read_bytes()
        found = json.loads(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise Odd(f"{path}: is no UTF-8: byte {error.start + 1:,} of it") from error
    except RecursionError as error:
        raise Odd(f"{path}: is nested too deep") from error
    except ValueError as error:
        raise Odd(f"{path}: is no JSON: {error}") from error
    except OSError as error:
        raise Odd(f"{path}: can't be read: {error.strerror}") from error
    if not isinstance(found, dict):
        raise Odd(f"{path}: expected a JSON object, there is something else")
    return found


def refuse_pointer(path: Path) -> None:
    """Raises Odd for what is no file of a size that can be, or stands for one that has to be fetched."""
    _refuse_no_file(path)
    if path.suffix == ".json" and path.stat().st_size > _MOST:
        raise Odd(f"{path}: is larger than {_MOST >> 20} MiB")
    try:
        with open(path, "rb") as file:
            start = file.read(64)
    except OSError as error:
        raise Odd(f"{path}: can't be read: {error.strerror}") from error
    if not start:
        raise Odd(f"{path}: is empty")
    for pointer, words in _POINTERS.items():
        if start.lower().startswith(pointer):
            raise Odd(f"{path}: {words}")


def _refuse_no_file(path: Path) -> None:
    if not os.path.lexists(path):
        raise Odd(f"{path}: is missing")
    if not path.exists():
        raise Odd(f"{path}: is a link that leads nowhere")
    if not stat.S_ISREG(path.stat().st_mode):
        raise Odd(f"{path}: is no regular file")


def _parts(index: Path) -> list[Path]:
    """Reads the files that an index names."""
    names = read_object(index).get("weight_map")
    if not isinstance(names, dict) or not names:
        raise Odd(f"{index}: expected a 'weight_map', from names of weights to files")
    files = sorted(set(map(str, names.values())))
    for name in files:
        if Path(name).name != name or Path(name).suffix not in (".safetensors", ".bin"):
            raise Odd(f"{index}: names {json.dumps(name)}, which is no file of weights in this folder")
    if missing := [name for name in files if not os.path.lexists(index.parent / name)]:
        told = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
        raise Odd(
            f"{index.parent}: {len(missing)} of {len(files)} files of weights are missing: {told} (by {index.name})"
        )
    return [index.parent / name for name in files]


def _header(path: Path) -> dict[str, Any]:
    """Reads name -> type, shape and place of each tensor in a safetensors file that is whole."""
    refuse_pointer(path)
    size = path.stat().st_size
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > _HEADER:
            raise Odd(f"{path}: is no safetensors file")
        content = file.read(length)
    if len(content) < length:
        raise Odd(f"{path}: is cut off, in its header, after {size:,} bytes")
    try:
        header = json.loads(content)
        tensors = {name: tensor for name, tensor in header.items() if name != "__metadata__"}
        end = 8 + length + max((int(tensor["data_offsets"][1]) for tensor in tensors.values()), default=0)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        raise Odd(f"{path}: is no safetensors file") from error
    if size < end:
        raise Odd(f"{path}: is cut off: {size:,} of {end:,} bytes are there")
    return tensors


def _count(tensors: Mapping[str, Any], sizes: dict[str, int]) -> None:
    """Adds the bytes of each type to `sizes`."""
    for tensor in tensors.values():
        kind, (start, end) = str(tensor.get("dtype")), tensor["data_offsets"]
        sizes[kind] = sizes.get(kind, 0) + end - start
