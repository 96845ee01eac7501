"""Discovery: everything that can go wrong with a plugin is named, and stops nothing else."""

from __future__ import annotations

import os
import sys

import pytest

from jepa_core.errors import ComponentError
from jepa_core.registry import Registry
from jepa_core.registry.registry import named_registry

GOOD = """
import jepa_core

class Far:
    def __call__(self, predicted, target):
        return (predicted - target).abs().sum(dim=-1)

@jepa_core.hookimpl
def jepa_distance_functions():
    return {"far": Far}
"""

#: A module that cannot be a plugin -> what is said about it.
BROKEN = {
    "import_error": ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
    "syntax_error": ("def f(:", "SyntaxError: "),
    "exits": ("import sys; sys.exit(3)", "SystemExit: 3"),
    "raises": ("raise RuntimeError('two\\nlines')", "RuntimeError: two lines"),
    "misspelt": (
        GOOD.replace("jepa_distance_functions", "jepa_distance_function"),
        "unknown hook 'jepa_distance_function'; did you mean 'jepa_distance_functions'?",
    ),
    "with_argument": (
        GOOD.replace("jepa_distance_functions()", "jepa_distance_functions(recipe)"),
        "Argument(s) {'recipe'} are declared in the hookimpl but can not be found in the hookspec",
    ),
    "wrapper": (
        GOOD.replace("@jepa_core.hookimpl", "@jepa_core.hookimpl(wrapper=True)").replace("return {", "yield {"),
        "jepa_distance_functions: a hook wrapper is not possible here",
    ),
    "old_wrapper": (
        GOOD.replace("@jepa_core.hookimpl", "@jepa_core.hookimpl(hookwrapper=True)").replace("return {", "yield {"),
        "jepa_distance_functions: a hook wrapper is not possible here",
    ),
    "returns_list": (GOOD.replace('{"far": Far}', "[Far]"), "jepa_distance_functions returned list, not name"),
    "returns_none": (GOOD.replace("return {", "{"), "jepa_distance_functions returned NoneType, not name"),
    "hook_raises": (GOOD.replace('{"far": Far}', "{}['x']"), "KeyError: 'x'"),
    "hook_exits": (GOOD.replace('{"far": Far}', "exit(4)"), "SystemExit: 4"),
    "not_callable": (GOOD.replace('"far": Far', '"far": 1'), "maps 'far' to 1, not a name to a factory"),
    "other_marker": (
        GOOD.replace("@jepa_core.hookimpl", "@__import__('pluggy').HookimplMarker('jepa-core')"),
        "jepa_distance_functions is not marked with @jepa_core.hookimpl; its marker is of the project 'jepa-core'",
    ),
    "no_marker": (
        GOOD.replace("@jepa_core.hookimpl", ""),
        "jepa_distance_functions is not marked with @jepa_core.hookimpl",
    ),
    "marker_of_a_spec": (
        GOOD.replace("@jepa_core.hookimpl", "@__import__('pluggy').HookspecMarker('jepa_core')"),
        "has no hook: no function in it is marked with @jepa_core.hookimpl",
    ),
    "one_of_two_marked": (
        GOOD + "\ndef jepa_loss_filters():\n    return {}\n",
        "jepa_loss_filters is not marked with @jepa_core.hookimpl",
    ),
    "nothing_in_it": ("import jepa_core", "has no hook: no function in it is marked with @jepa_core.hookimpl"),
    "name_no_text": (GOOD.replace('"far"', "7"), "maps 7 to <class"),
}


@pytest.fixture(scope="module")
def builtin() -> set[tuple[str, str]]:
    return {(c.kind, c.name) for c in Registry.discover().describe()}


def test_the_built_in_plugins_are_found(builtin):
    assert builtin >= {
        ("reversal", "parity"),
        ("reversal", "lookup"),
        ("mask", "block_causal"),
        ("embedding", "last_token"),
        ("distance", "cosine"),
        ("distance", "l2"),
        ("distance", "mse"),
        ("filter", "sample_type"),
        ("filter", "loss_dropout"),
        ("dataset", "reversal_curse"),
        ("dataset", "facts"),
    }
    assert not Registry.discover().broken


def test_plugins_of_one_entry_point_name_are_all_found(site):
    """pluggy's own loader takes the first of them and skips the others in silence."""
    site.install("one", far=GOOD, cosine_distance=GOOD.replace('"far"', '"farther"'))
    site.install("two", version="2.5", far=GOOD.replace('"far"', '"farthest"'))
    registry = Registry.discover()
    assert {"cosine", "far", "farther", "farthest"} <= set(registry.names("distance"))
    assert registry.find("distance", "farthest").plugin.name == "two:far"
    assert registry.distributions().items() >= {"one": "1.0", "two": "2.5"}.items()


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_is_recorded_with_its_cause(site, builtin, kind):
    source, cause = BROKEN[kind]
    site.install("bad", thing=source)
    site.install("good", far=GOOD)
    registry = Registry.discover()
    (broken,) = registry.broken
    assert (broken.plugin.name, broken.plugin.version) == ("bad:thing", "1.0")
    assert cause in broken.cause
    assert not broken.cause.startswith("ComponentError")
    assert "\n" not in broken.cause
    assert {(c.kind, c.name) for c in registry.describe()} == builtin | {("distance", "far")}
    assert "bad" not in registry.distributions()


def test_broken_plugins_are_named_where_a_name_is_not_found(site):
    site.install("bad", huber="import no_such_module")
    with pytest.raises(ComponentError, match=r"no distance is called 'huber'.*bad:huber is broken: ModuleNotFound"):
        Registry.discover().create("distance", "huber")


@pytest.mark.parametrize("wrong", ["misspelt", "with_argument", "wrapper", "returns_list"])
def test_of_a_broken_plugin_nothing_comes_in(site, wrong):
    """A hook that is fine does not help one that isn't, whichever stands first."""
    good_filter = "\n@jepa_core.hookimpl\ndef jepa_loss_filters():\n    return {'none_at_all': dict}\n"
    bad = BROKEN[wrong][0]
    site.install("bad", before=bad + good_filter, after="import jepa_core\n" + good_filter + bad)
    registry = Registry.discover()
    assert {broken.plugin.name for broken in registry.broken} == {"bad:before", "bad:after"}
    assert "none_at_all" not in registry.names("filter")


def test_nothing_installed_is_said(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(ComponentError, match=r"no plugin is installed, not even the built-in ones: install jepa-core"):
        Registry.discover()


def test_what_a_half_removed_distribution_leaves_stops_nothing(site, builtin):
    site.install("gone", far=GOOD)
    site.folder.joinpath("gone-1.0.dist-info", "METADATA").unlink()
    site.folder.joinpath("gone_far.py").unlink()
    registry = Registry.discover()
    (broken,) = registry.broken
    assert "ModuleNotFoundError: No module named 'gone_far'" in broken.cause
    assert {(c.kind, c.name) for c in registry.describe()} == builtin


def test_one_module_under_two_entry_points_is_refused_once(site):
    site.install("twice", far=GOOD)
    path = site.folder / "twice-1.0.dist-info" / "entry_points.txt"
    path.write_text(path.read_text() + "further = twice_far\n")
    registry = Registry.discover()
    (broken,) = registry.broken
    assert broken.plugin.name == "twice:further"
    assert broken.cause == "the same module is registered as twice:far already"
    registry.create("distance", "far")


LOUD = "print('at import')\n" + GOOD.replace("    return {", "    print('in the hook')\n    return {")


def test_what_a_plugin_prints_is_no_part_of_what_a_command_prints(site, tmp_path, capsys):
    site.install("loud", far=LOUD)
    site.write("loud_module", LOUD.replace('"far"', '"farther"'))
    (tmp_path / "loud.py").write_text(LOUD.replace('"far"', '"farthest"'))
    registry = named_registry(["loud_module"], [tmp_path / "loud.py"])
    assert {"far", "farther", "farthest"} <= set(registry.names("distance"))
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("at import") == said.err.count("in the hook") == 3


class TestByModule:
    """``-p MODULE``"""

    def test_it_comes_in(self, site):
        site.write("my_distance", GOOD)
        registry = Registry.discover()
        registry.add_module("my_distance")
        assert registry.find("distance", "far").plugin.name == "my_distance"

    def test_twice_is_refused(self, site):
        site.write("my_distance", GOOD)
        registry = Registry()
        registry.add_module("my_distance")
        with pytest.raises(ComponentError, match="the same module is registered as my_distance already"):
            registry.add_module("my_distance")
        assert registry.names("distance") == ["far"]

    @pytest.mark.parametrize("kind", BROKEN)
    def test_a_broken_one_is_an_error(self, site, kind):
        """The user asked for it, so a run without it is not what they want."""
        source, cause = BROKEN[kind]
        site.write("my_distance", source)
        registry = Registry()
        with pytest.raises(ComponentError) as caught:
            registry.add_module("my_distance")
        assert str(caught.value).startswith("plugin my_distance: ")
        assert cause in str(caught.value)
        assert registry.names("distance") == []

    def test_a_name_like_a_hook_s_is_not_mistaken_for_one(self, site):
        site.write("jepa_core_distances", BROKEN["with_argument"][0])
        with pytest.raises(ComponentError, match=r"Argument\(s\) \{'recipe'\} are declared"):
            Registry().add_module("jepa_core_distances")

    def test_one_that_is_not_there_is_named(self):
        with pytest.raises(ComponentError, match="plugin no_such: ModuleNotFoundError: No module named 'no_such'"):
            Registry().add_module("no_such")


class TestByFile:
    """``--plugin PATH``"""

    def test_it_comes_in(self, tmp_path):
        path = tmp_path / "my-distance.py"  # not the name of a module
        path.write_text(GOOD)
        registry = Registry()
        registry.add_file(path)
        component = registry.find("distance", "far")
        assert component.plugin.name == str(path)
        assert type(registry.create("distance", "far")).__module__ in sys.modules

    def test_files_of_one_name_are_all_found(self, tmp_path):
        registry = Registry()
        for folder, name in (("a", "far"), ("b", "farther")):
            (tmp_path / folder).mkdir()
            path = tmp_path / folder / "mine.py"
            path.write_text(GOOD.replace('"far"', f'"{name}"'))
            registry.add_file(path)
        assert registry.names("distance") == ["far", "farther"]

    def test_twice_is_refused(self, tmp_path):
        path = tmp_path / "mine.py"
        path.write_text(GOOD)
        registry = Registry()
        registry.add_file(path)
        with pytest.raises(ComponentError, match=r"mine\.py: is registered already"):
            registry.add_file(path)
        assert registry.names("distance") == ["far"]

    @pytest.mark.parametrize(
        ("name", "text", "words"),
        [
            ("mine.py", BROKEN["other_marker"][0], "its marker is of the project 'jepa-core'"),
            ("mine.py", "import no_such_module", "No module named 'no_such_module'"),
            ("mine.py", "def f(:", "SyntaxError"),
            ("mine.py", BROKEN["misspelt"][0], "did you mean 'jepa_distance_functions'"),
            ("mine.txt", GOOD, "not a Python file"),
            ("none.py", None, "no such file"),
        ],
    )
    def test_a_bad_one_is_named(self, tmp_path, name, text, words):
        path = tmp_path / name
        if text is not None:
            path.write_text(text)
        with pytest.raises(ComponentError, match=words) as caught:
            Registry().add_file(path)
        assert str(caught.value).startswith(f"plugin {path}: ")

    @pytest.mark.parametrize("kind", ["pipe", "link to a pipe", "folder"])
    def test_what_is_no_file_is_told_and_not_waited_for(self, tmp_path, kind):
        os.mkfifo(tmp_path / "pipe")
        path = tmp_path / "mine.py"
        path.mkdir() if kind == "folder" else path.symlink_to("pipe") if "link" in kind else os.mkfifo(path)
        with pytest.raises(
            ComponentError, match=r"mine\.py: not a regular file \(without --plugin .* it is not used\)"
        ):
            Registry().add_file(path)
