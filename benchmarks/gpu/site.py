"""The project importable without an installation: a folder for the module path.

pip may be missing, or want the network. Links to the packages and a ``dist-info`` made of setup.cfg are all that
imports and entry points need; the requirements are left out, so what is there is tried, whatever its version.
"""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parents[2]


def make_site(folder: Path) -> Path:
    """Fills `folder` and returns it."""
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    folder.mkdir(parents=True)
    for package in sorted({name.split(".")[0] for name in setup["options"]["packages"].split()}):
        place = _places(setup).get(package, package)
        (folder / package).symlink_to(ROOT / place, target_is_directory=True)
    name, version = setup["metadata"]["name"], setup["metadata"]["version"]
    info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(_entry_points(setup), encoding="utf-8")
    return folder


def _places(setup: ConfigParser) -> dict[str, str]:
    """Import name -> folder, where they differ."""
    lines = setup["options"].get("package_dir", "").strip().splitlines()
    return {name.strip(): place.strip() for name, place in (line.split("=") for line in lines)}


def _entry_points(setup: ConfigParser) -> str:
    groups = setup["options.entry_points"]
    return "".join(f"[{group}]\n{groups[group].strip()}\n\n" for group in groups)


def unpack_wheels(wheels: Path, folder: Path) -> list[Path]:
    """Unpacks every wheel of a folder, each into a folder of its own: a wheel is an archive of what goes on a path."""
    unpacked = []
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder / wheel.stem)
        unpacked.append(folder / wheel.stem)
    return unpacked


def usable(wheels: list[Path]) -> list[Path]:
    """Leaves out a transformers that does not fit the other packages, so that the machine's own is used."""
    theirs = [wheel for wheel in wheels if wheel.name.startswith("transformers-")]
    if not theirs or not _why_not("from transformers import GPT2LMHeadModel, Trainer", wheels):
        return wheels
    return [wheel for wheel in wheels if wheel not in theirs]


def _why_not(statement: str, path: list[Path]) -> str:
    """The reason why an import fails; empty where it works."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path))}
    command = [sys.executable, "-c", statement]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=90)
    except subprocess.TimeoutExpired:
        return "it takes more than 90 s"
    return (done.stderr.strip() or f"exit status {done.returncode}") if done.returncode else ""
