"""Plugins whose source is read: the same components as when they run."""

from __future__ import annotations

import sys

import pytest

from jepa_core.errors import ComponentError
from jepa_core.registry.options import check_options, option_schema, takes_context
from jepa_core.registry.outline import Outline
from jepa_core.registry.registry import Registry

from .sites import on_the_path

SLOW = """
import torch_that_takes_seconds
import jepa_core

class Far:
    "How far."

    def __init__(self, power: int = 2):
        self.power = power

@jepa_core.hookimpl
def jepa_distance_functions():
    "Ours."
    return {"far": Far}
"""
COMPUTED = """
import jepa_core

@jepa_core.hookimpl
def jepa_distance_functions():
    return {name: object for name in ("one", "two")}
"""
MADE = """
import jepa_core
from functools import lru_cache

@lru_cache
def made(weight: float = 1.0): ...

@jepa_core.hookimpl
def jepa_distance_functions():
    return {"made": made}
"""


@pytest.fixture
def site(tmp_path, monkeypatch):
    with on_the_path(tmp_path / "site-packages", monkeypatch) as site:
        yield site


def test_the_built_in_components_are_those_that_run():
    """Names, options with their types and bounds, defaults, and first sentences."""
    outline, registry = Outline(), Registry.discover()
    assert not [plugin for plugin in outline.unread if plugin.distribution == "jepa-core"]
    read, run = outline.describe(), registry.describe()
    assert [(c.kind, c.name, c.distribution, c.summary) for c in read] == [
        (c.kind, c.name, c.distribution, c.summary) for c in run
    ]
    open_ended = {"tokenizer"}  # its type is a class, which is not run
    for one, other in zip(read, run, strict=True):
        seen, real = option_schema(one.factory), option_schema(other.factory)
        assert takes_context(one.factory) == takes_context(other.factory)
        assert seen["required"] == real["required"], one.name
        for option in real["properties"]:
            if option not in open_ended or one.name != "messages":
                assert seen["properties"][option] == real["properties"][option], (one.name, option)
        assert seen["properties"].keys() == real["properties"].keys()
        assert seen["additionalProperties"] == real["additionalProperties"], one.name


def test_what_factories_say_of_themselves_comes_along():
    dataset = Outline().find("dataset", "messages").factory
    assert dataset.splits == ("evaluation.*", "valid")
    instead = Outline().find("embedding", "last_token").factory.instead
    assert instead(("objective", "embedding"), {"role": "mask"}) == {
        ("objective", "embedding"): {"name": "last_token", "tag": "mask"}
    }


def test_nothing_of_a_plugin_is_imported(site):
    site.install("far-away", far=SLOW)
    outline = Outline()
    far = outline.find("distance", "far")
    assert (far.distribution, far.version, far.summary) == ("far-away", "1.0", "How far.")
    assert check_options(far.factory, {"powr": 1}) == [("powr", "unknown option; did you mean 'power'?")]
    assert "far_away_far" not in sys.modules
    with pytest.raises(ComponentError, match="not run"):
        outline.create("distance", "far")


def test_what_only_running_says_is_noted_as_a_doubt(site):
    site.install("computed", one=COMPUTED)
    outline = Outline()
    assert [plugin.name for plugin in outline.unread] == ["computed:one"]
    assert outline.doubts == []
    assert check_options(outline.find("distance", "one").factory, {"any": 1}) == []
    assert outline.doubts == ["distance 'one': may be of computed:one, which says so only when it runs"]
    outline.find("distance", "cosine")
    assert len(outline.doubts) == 1


def test_options_that_can_not_be_read_are_a_doubt(site):
    site.install("made", one=MADE)
    outline = Outline()
    assert check_options(outline.find("distance", "made").factory, {"any": 1}) == []
    assert outline.doubts == ["distance 'made': its options are not to be read in its source"]


def test_an_unknown_name_is_refused_where_all_was_read():
    with pytest.raises(ComponentError, match="no distance is called 'cosin'; did you mean 'cosine'"):
        Outline().find("distance", "cosin")


def test_what_the_user_named(tmp_path, site):
    site.write("my_module", SLOW.replace('"far"', '"near"'))
    file = tmp_path / "mine.py"
    file.write_text(SLOW)
    outline = Outline(["my_module"], [file])
    assert {"near", "far"} <= set(outline.names("distance"))
    file.write_text("def f(:")
    assert [plugin.name for plugin in Outline([], [file, tmp_path / "none.py"]).unread] == [
        str(file),
        f"{tmp_path}/none.py",
    ]


@pytest.mark.parametrize("source", ["def jepa_distance_functions(): return ['mine']", "def jepa_distances(): pass", ""])
def test_a_named_plugin_that_cannot_be_read_leaves_a_doubt(tmp_path, source):
    """Even where nothing of it is asked for: a run would be refused for it, and 'valid' would be wrong."""
    (tmp_path / "mine.py").write_text(f"import jepa_core\n\n@jepa_core.hookimpl\n{source}\n" if source else "")
    outline = Outline(files=[tmp_path / "mine.py"])
    assert outline.find("distance", "cosine").name == "cosine"
    assert outline.doubts == [f"plugin {tmp_path / 'mine.py'}: says what it offers only when it runs"]
