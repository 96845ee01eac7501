"""A recipe is data: whatever stands in it, nothing is imported, run or written, and nothing costs much."""

from __future__ import annotations

import resource
import string
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jepa_core.errors import JepaError, RecipeError
from jepa_core.recipe.load import load_recipe
from jepa_core.registry import Registry
from tests.auditing import heard_by
from tests.children import in_child

REGISTRY = Registry.discover()
#: What only code that a recipe smuggled in would do. Reading files is what loading is.
FORBIDDEN = ("import", "exec", "os.system", "os.exec", "os.spawn", "os.posix_spawn", "subprocess.Popen")
FORBIDDEN += ("os.putenv", "pickle.find_class", "socket.connect", "os.remove", "os.rename", "os.mkdir", "ctypes.dlopen")

GOOD = "data: {name: reversal_curse}\nmodel:\n  config: {model_type: gpt2, n_layer: 1, n_embd: 16, n_head: 2}\n"
HOSTILE = {
    "a python tag": "!!python/object/apply:os.system ['touch executed']",
    "a tag inside": "description: !!python/name:os.system\n" + GOOD,
    "a module for a component": GOOD + "objective: {distance: os.system}\n",
    "a path for a component": GOOD + "objective: {distance: ../../evil.py}\n",
    "a module for a plugin": GOOD + "plugins: [antigravity, this]\n",
    "a dataset by module": "data: {name: subprocess.Popen, args: [touch, executed]}\n",
    "aliases that explode": "a: &a [x,x,x,x,x,x,x,x,x]\n"
    + "".join(
        f"{b}: &{b} [{','.join(['*' + a] * 9)}]\n"
        for a, b in zip(string.ascii_lowercase, string.ascii_lowercase[1:], strict=False)
    ),
    "an alias of itself": "a: &a [*a]\n",
    "three thousand lists": "a: " + "[" * 3000 + "]" * 3000,
    "three thousand mappings": "a: " + "{b: " * 3000 + "}" * 3000,
    "five thousand digits": "seed: " + "9" * 5000,
    "a long exponent": "seed: 1e" + "9" * 5000,
    "sexagesimal": "seed: " + ":".join(["59"] * 3000),
    "keys twice": GOOD + "seed: 1\nseed: 2\n",
    "tabs": "model:\n\tconfig: {}\n",
    "NUL": "seed: 1\0\n",
    "not UTF-8": b"description: \xff\xfe\n",
    "UTF-16": GOOD.encode("utf-16"),
    "empty": "",
    "only a comment": "# nothing\n",
    "a list": "- 1\n",
    "a merge key": "<<: {seed: 1}\n" + GOOD,
    "many documents": "---\n" * 10_000,
    "many keys": "".join(f"k{i}: 1\n" for i in range(50_000)),
    "a long line": "description: " + "x" * (2 << 20),
    "surrogates": 'description: "\\ud800"\n',
}


@pytest.fixture(scope="module", autouse=True)
def everything_imported(tmp_path_factory):
    """Imports of ours that loading a good recipe causes, and their effects, happen before."""
    path = tmp_path_factory.mktemp("good") / "recipe.yaml"
    path.write_text(GOOD)
    load_recipe(path, registry=REGISTRY)
    with pytest.raises(RecipeError):
        load_recipe(path, ["seed=x"], registry=REGISTRY)


def watched(load) -> list[str]:
    """The FORBIDDEN acts of `load`."""
    seen = []

    def note(event: str, args: tuple) -> None:
        loaded = event == "import" and args[0] in sys.modules
        # Annotations of installed components are text too, which typing evaluates.
        typing = event == "exec" and sys._getframe(2).f_globals["__name__"] == "typing"
        if event in FORBIDDEN and not loaded and not typing:
            seen.append(f"{event} {args[:1]}")
        if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
            seen.append(f"write {args[0]}")

    with heard_by(note):
        load()
    return seen


@pytest.mark.parametrize("what", HOSTILE)
def test_one_clear_message_soon_and_nothing_is_done(tmp_path, monkeypatch, what):
    monkeypatch.chdir(tmp_path)
    content = HOSTILE[what]
    Path("recipe.yaml").write_bytes(content if isinstance(content, bytes) else content.encode())
    said: list[str] = []

    def load() -> None:
        with pytest.raises(RecipeError) as caught:
            load_recipe("recipe.yaml", registry=REGISTRY)
        said.append(str(caught.value))

    began = time.monotonic()
    assert watched(load) == []
    assert time.monotonic() - began < 10
    assert "recipe.yaml" in said[0]
    assert "Traceback" not in said[0]
    assert [path.name for path in tmp_path.iterdir()] == ["recipe.yaml"]


def test_none_of_them_takes_a_gigabyte(tmp_path):
    """All of them in a process that may take no more than that on top of what it has."""

    def load_all() -> None:
        taken = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (taken + (1 << 30), resource.RLIM_INFINITY))
        for content in HOSTILE.values():
            path = tmp_path / "recipe.yaml"
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
            try:
                load_recipe(path, registry=REGISTRY)
            except RecipeError:
                continue
            raise SystemExit(3)

    assert in_child(load_all) == 0


def test_environment_variables_are_not_expanded_and_home_only_where_a_path_is_meant(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET", "hidden")
    path = tmp_path / "recipe.yaml"
    path.write_text(GOOD + "description: $SECRET ${SECRET} ~ %SECRET% $(id)\noutput_dir: ~/$SECRET\n")
    recipe = load_recipe(path, registry=REGISTRY)
    assert recipe.description == "$SECRET ${SECRET} ~ %SECRET% $(id)"
    assert recipe.output_dir == f"{Path.home()}/$SECRET"


def test_loading_a_good_one_does_nothing_but_read(tmp_path):
    (tmp_path / "recipe.yaml").write_text(GOOD)
    load_recipe(tmp_path / "recipe.yaml", registry=REGISTRY)  # imports what it needs
    assert watched(lambda: load_recipe(tmp_path / "recipe.yaml", registry=REGISTRY)) == []


def test_a_run_writes_nowhere_else(tmp_path, monkeypatch):
    from tests.tiny_runs import run_tiny

    monkeypatch.chdir(tmp_path)  # outside of a checkout, of whose index git would be shown a copy
    run_tiny(tmp_path / "warm", "training.max_steps=1")
    written: set[str] = set()

    def note(event: str, args: tuple) -> None:
        if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
            written.add(str(args[0]))
        if event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir"):
            written.add(str(args[0]))

    with heard_by(note):
        run_tiny(tmp_path / "run", "training.max_steps=2")
    inside = str(tmp_path / "run")
    assert {path for path in written if not path.startswith((inside, "/dev/")) and not path.isdecimal()} == set()
    assert written


TEXT = st.text(st.characters(codec="utf-8"), max_size=60)
PIECES = st.sampled_from(
    [
        "data: ",
        "model:",
        "\n",
        "  ",
        "config: ",
        "{",
        "}",
        "[",
        "]",
        "&a ",
        "*a",
        "!!",
        "- ",
        ": ",
        "|",
        ">",
        "'",
        '"',
        "#",
        "\t",
        "---",
        "%YAML 1.2",
        "0x",
        "1e9",
        ".nan",
        "?",
        "seed",
        "objective:",
        "distance: ",
    ]
)
DOCUMENT = st.lists(st.one_of(PIECES, TEXT), max_size=40).map("".join)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.one_of(DOCUMENT.map(str.encode), st.binary(max_size=200), DOCUMENT.map(lambda text: (GOOD + text).encode())))
def test_any_recipe_is_read_or_refused_in_words(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "fuzzed.yaml"
    path.write_bytes(content)
    try:
        load_recipe(path, registry=REGISTRY)
    except JepaError as error:
        assert str(error)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.sampled_from(["train", "atomic", "x", ""])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["input_text", "target_text", "type", "train", "test"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    JSON,
    JSON,
    st.one_of(
        JSON,
        st.dictionaries(st.sampled_from(["<mask>", "<r_0>", "<r_0_inv>", "<pad>", "<PRED>", "e"]), st.integers(-1, 9)),
    ),
)
def test_any_data_are_read_or_refused_in_words(tmp_path_factory, train, valid, vocabulary):
    import json

    folder = tmp_path_factory.getbasetemp() / "fuzzed"
    folder.mkdir(exist_ok=True)
    for name, content in (("train.json", train), ("valid.json", valid), ("vocab.json", vocabulary)):
        (folder / name).write_text(json.dumps(content))
    path = folder / "recipe.yaml"
    path.write_text(f"data: {{name: reversal_curse, path: {folder}}}\n")
    try:
        REGISTRY.create("dataset", "reversal_curse", context=_context(folder), path=str(folder))
    except JepaError as error:
        assert str(error)


def _context(folder: Path):
    from jepa_core.contexts import DatasetContext

    return DatasetContext(seed=0, k=1, search=(folder,))
