"""The registry: names, origins, and components made with checked options."""

from __future__ import annotations

import pytest

from jepa_core.components import KINDS
from jepa_core.errors import ComponentError, DataError
from jepa_core.registry import Registry

COMPONENTS = '''
import jepa_core
from jepa_core.errors import DataError


class Far:
    """How far.

    More about it.
    """

    def __init__(self, power: int = 2, kind: str = "plain"):
        if power < 1:
            raise ValueError(f"power must be 1 or more, not {power}")
        self.power, self.kind = power, kind


def needed(scale: float):
    return scale


def crashes():
    return 1 / 0


def lacks_a_file():
    raise DataError("table.yaml: not found")


def aware(context, power: int = 1):
    return context, power


def unaware(power: int = 1, context: str = "own"):
    return context, power


@jepa_core.hookimpl
def jepa_distance_functions():
    return {"far": Far, "needed": needed, "crashes": crashes, "lacks": lacks_a_file}


@jepa_core.hookimpl
def jepa_loss_filters():
    return {"aware": aware, "far": unaware}
'''
CLAIM = """
import jepa_core

@jepa_core.hookimpl
def jepa_distance_functions():
    return {"cosine": dict, "more": dict}
"""


@pytest.fixture
def registry(site) -> Registry:
    site.install("near-and-far", version="3.1", tools=COMPONENTS)
    return Registry.discover()


def test_discover_makes_a_registry_or_fills_one():
    made, filled = Registry.discover(), Registry()
    assert filled.names("distance") == []
    assert filled.discover() is filled
    assert [c.name for c in made.describe()] == [c.name for c in filled.describe()]
    assert "jepa-core" in made.distributions()


def test_to_discover_again_adds_what_is_new(site):
    registry = Registry.discover()
    before = [c.name for c in registry.describe()]
    site.install("near-and-far", tools=COMPONENTS)
    registry.discover()
    assert not registry.broken
    assert sorted([c.name for c in registry.describe()]) == sorted(
        [*before, "far", "needed", "crashes", "lacks", "aware", "far"]
    )


def test_a_component_says_where_it_is_from(registry):
    far = registry.find("distance", "far")
    assert (far.distribution, far.version, far.plugin.name) == ("near-and-far", "3.1", "near-and-far:tools")
    assert far.summary == "How far."
    assert registry.find("distance", "needed").summary == ""


def test_components_are_described_by_kind_and_name(registry):
    described = [(c.kind, c.name) for c in registry.describe()]
    kinds = [*KINDS]
    assert (kinds[0], kinds[-1], len(kinds)) == ("reversal", "dataset", 10)
    assert described == sorted(described, key=lambda pair: (kinds.index(pair[0]), pair[1]))
    assert ("distance", "far") in described
    assert ("filter", "far") in described


def test_one_name_of_two_kinds_is_two_components(registry):
    assert registry.create("distance", "far").power == 2
    assert registry.create("filter", "far") == ("own", 1)


def test_options_reach_the_component(registry):
    made = registry.create("distance", "far", power=3, kind="own")
    assert (made.power, made.kind) == (3, "own")


def test_the_context_goes_to_those_that_ask_for_it(registry):
    assert registry.create("filter", "aware", context="run", power=2) == ("run", 2)
    assert registry.create("filter", "far", context="run") == ("own", 1)


@pytest.mark.parametrize(
    ("kind", "name", "options", "words"),
    [
        ("distanc", "far", {}, "unknown kind of component 'distanc'; did you mean 'distance'?"),
        ("distance", "fart", {}, "no distance is called 'fart'; did you mean 'far'?"),
        ("mask", "xyz", {}, "no mask is called 'xyz'; there are: block_causal"),
        ("filter", "cosine", {}, "no filter is called 'cosine'"),
        (
            "distance",
            "far",
            {"powr": 2},
            "distance 'far': powr: unknown option; did you mean 'power'?",
        ),
        ("distance", "far", {"power": "2"}, "distance 'far': power: expected a whole number"),
        ("distance", "far", {"power": True}, "distance 'far': power: expected a whole number"),
        ("distance", "needed", {}, "distance 'needed': scale: a required option is missing"),
        ("distance", "far", {"power": "x", "y": 1}, "power: expected.*; distance 'far': y: unknown option"),
        ("distance", "far", {"power": 0}, r"distance 'far' \(from near-and-far\): power must be 1 or more, not 0"),
        ("distance", "crashes", {}, r"distance 'crashes' \(from near-and-far\): ZeroDivisionError: division by"),
    ],
)
def test_a_mistake_is_named(registry, kind, name, options, words):
    with pytest.raises(ComponentError, match=words.replace("?", r"\?")):
        registry.create(kind, name, **options)


def test_an_error_for_the_user_comes_through(registry):
    with pytest.raises(DataError, match=r"^table\.yaml: not found$"):
        registry.create("distance", "lacks")


def test_a_name_that_two_plugins_claim_is_refused_with_both(registry, site):
    site.install("other", mine=CLAIM)
    registry = Registry.discover()
    both = "two plugins offer a distance 'cosine': jepa-core:cosine_distance and other:mine; uninstall one"
    for ask in (registry.create, registry.find):
        with pytest.raises(ComponentError) as caught:
            ask("distance", "cosine")
        assert str(caught.value) == both
    assert registry.names("distance").count("cosine") == 1
    assert [c.distribution for c in registry.describe() if c.name == "cosine"] == ["jepa-core", "other"]
    assert registry.create("distance", "more") == {}
    assert registry.create("distance", "l2") is not None


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "def mine(name): pass\n{hook} return {{'mine': mine}}",
            "'mine' has an option 'name', which is a component's own",
        ),
        ("{hook} return ['mine']", "returned list, not name -> factory"),
        (
            "import nothing_of_this_name\n{hook} return {{}}",
            "ModuleNotFoundError: No module named 'nothing_of_this_name'",
        ),
        ("", "has no hook"),
    ],
)
def test_a_plugin_that_the_user_names_and_that_is_broken_is_a_wrong_command(tmp_path, source, words):
    hook = "@jepa_core.hookimpl\ndef jepa_distance_functions():"
    (tmp_path / "mine.py").write_text("import jepa_core\n" + source.format(hook=hook))
    with pytest.raises(ComponentError, match=words) as raised:
        Registry.discover().add_file(tmp_path / "mine.py")
    assert raised.value.exit_status == 2
    assert "\n" not in str(raised.value)


def test_a_long_name_that_there_is_not_is_cut(registry):
    with pytest.raises(ComponentError, match=f"no distance is called '{'x' * 59}…'; there are"):
        registry.find("distance", "x" * 5000)
