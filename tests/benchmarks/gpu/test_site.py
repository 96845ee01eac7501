"""The project importable from a bare checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from configparser import ConfigParser
from importlib import metadata

from benchmarks.gpu.site import ROOT, make_site, unpack_wheels, usable


def test_packages_and_entry_points_are_those_of_setup_cfg(tmp_path):
    site = make_site(tmp_path / "site")
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg", encoding="utf-8")
    (found,) = metadata.distributions(path=[str(site)])
    assert (found.name, found.version) == ("jepa-core", setup["metadata"]["version"])
    said = setup["options.entry_points"]["jepa_core"].strip().splitlines()
    assert sorted(f"{p.name} = {p.value}" for p in found.entry_points if p.group == "jepa_core") == sorted(said)
    assert found.requires is None
    assert {path.name: path.resolve() for path in site.iterdir() if path.is_symlink()} == {
        "jepa_core": ROOT / "jepa_core",
        "jepa_plugins": ROOT / "plugins",
        "jepa_recipes": ROOT / "recipes",
    }


def test_plugins_are_found_without_an_installation(tmp_path):
    """-S leaves out the site packages with the installed one; those it needs come back without it."""
    site = make_site(tmp_path / "site")
    others = os.pathsep.join(path for path in sys.path if path.endswith("site-packages"))
    code = "from importlib.metadata import distribution; print(distribution('jepa-core')._path.parent)"
    environment = {"PYTHONPATH": os.pathsep.join([str(site), others])}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(site)


def wheel(folder, name, files):
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in files.items():
            archive.writestr(file, text)
    return path


def test_a_transformers_that_does_not_import_is_left_out(tmp_path):
    """A version that wants another torch than there is would be worse than none: the machine's own is taken."""
    wheel(tmp_path, "transformers", {"transformers/__init__.py": "raise ImportError('wants a newer torch')"})
    wheel(tmp_path, "something", {"something.py": "answer = 42"})
    unpacked = unpack_wheels(tmp_path, tmp_path / "wheels")
    assert [path.name for path in unpacked] == ["something-1.0-py3-none-any", "transformers-1.0-py3-none-any"]
    assert [path.name for path in usable(unpacked)] == ["something-1.0-py3-none-any"]


def test_a_transformers_that_imports_is_taken(tmp_path):
    wheel(tmp_path, "transformers", {"transformers/__init__.py": "GPT2LMHeadModel = Trainer = None"})
    unpacked = unpack_wheels(tmp_path, tmp_path / "wheels")
    assert usable(unpacked) == unpacked
