"""Rules of this repository that no other test would notice being broken."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterable, Iterator
from configparser import ConfigParser
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from jepa_core import hookspecs
from jepa_core.components import KINDS
from jepa_core.recipe.load import load_recipe
from jepa_core.registry import Component, Registry
from jepa_core.study.load import load_study

ROOT = Path(__file__).parents[1]
#: Import name -> folder.
PACKAGES = {"jepa_core": "jepa_core", "jepa_plugins": "plugins", "jepa_recipes": "recipes"}
SET_UP = "python3 -m venv .venv && .venv/bin/pip install -c constraints.txt -e '.[test]' && "
COMMANDS = [SET_UP + ".venv/bin/jepa-run recipes/cosine_k1.yaml", SET_UP + ".venv/bin/python -m pytest -q"]

#: Modules without a test file of their name, and the one that tests them through what uses them.
TESTED_IN = {
    "jepa_core/assembly/build.py": "tests/end_to_end/test_training.py",
    "jepa_core/assembly/rehearsed.py": "tests/core/launch/test_rehearsal.py",
    "jepa_core/assembly/run_recipe.py": "tests/core/cli/test_evaluate.py",
    "jepa_core/assembly/trainer.py": "tests/end_to_end/test_training.py",
    "jepa_core/contracts/broken.py": "tests/core/contracts/test_views.py",
    "jepa_core/contracts/declared.py": "tests/core/contracts/test_fitness.py",
    "jepa_core/contracts/clauses.py": "tests/core/assembly/test_watched_step.py",
    "jepa_core/display/chart.py": "tests/core/report/test_charts.py",
    "jepa_core/display/terminal.py": "tests/core/report/test_console.py",
    "jepa_core/launch/dry_run.py": "tests/core/cli/test_run.py",
    "jepa_core/launch/run.py": "tests/core/cli/test_run.py",
    "jepa_core/launch/resume.py": "tests/end_to_end/test_resume.py",
    "jepa_core/contexts.py": "tests/core/test_components.py",
    "jepa_core/distributed.py": "tests/end_to_end/test_several_processes.py",
    "jepa_core/checkpoint/parts.py": "tests/end_to_end/test_sharded_runs.py",
    "jepa_core/checkpoint/trainer.py": "tests/end_to_end/test_resume.py",
    "jepa_core/model/lockstep.py": "tests/end_to_end/test_sharded.py",
    "jepa_core/objective/company.py": "tests/end_to_end/test_sharded.py",
    "jepa_core/hookspecs.py": "tests/test_repo.py",
    "jepa_core/model/trying.py": "tests/core/model/test_trials.py",
    "jepa_core/model/stream_trial.py": "tests/core/objective/test_flat.py",
    "jepa_core/evaluation/ranks.py": "tests/core/evaluation/test_evaluate.py",
    "jepa_core/evaluation/splits.py": "tests/core/evaluation/test_evaluate.py",
    "jepa_core/samples/asking.py": "tests/core/cli/test_ask.py",
    "jepa_core/objective/layouts.py": "tests/core/objective/test_objective.py",
    "jepa_core/objective/plan.py": "tests/core/objective/test_planner.py",
    "jepa_core/objective/needs.py": "tests/core/objective/test_objective.py",
    "jepa_core/objective/room.py": "tests/core/objective/test_objective.py",
    "jepa_core/recipe/defaults.py": "tests/core/recipe/test_schema.py",
    "jepa_core/recipe/objective_section.py": "tests/core/recipe/test_schema.py",
    "jepa_core/registry/module_files.py": "tests/core/registry/test_syntax.py",
    "jepa_core/registry/statements.py": "tests/core/registry/test_syntax.py",
    "jepa_core/recipe/rehearsal_section.py": "tests/core/launch/test_rehearsal.py",
    "jepa_core/report/sections.py": "tests/core/report/test_report.py",
    "jepa_core/training/callbacks.py": "tests/core/training/test_trainer.py",
    "jepa_core/training/stop.py": "tests/core/cli/test_interrupt.py",
    "jepa_core/study/check_recipes.py": "tests/core/study/test_load.py",
    "jepa_core/verify/naive_rows.py": "tests/core/verify/test_naive.py",
    "jepa_core/verify/one_step.py": "tests/core/verify/checks/test_denominators.py",
    "jepa_core/verify/terminal.py": "tests/core/cli/test_verify.py",
    "plugins/text/public_remarks.py": "tests/plugins/text/test_convert_flags.py",
    "plugins/text/scoring/worker.py": "tests/plugins/text/scoring/test_limited.py",
    "jepa_core/testing/contract.py": "tests/core/testing/test_distance.py",
    "jepa_core/testing/examples.py": "tests/core/testing/test_distance.py",
}

#: The opening of a fragment or a question, where a docstring has a verb or a noun; before a colon it is an argument's name.
FRAGMENT = re.compile(
    r"(?:about|across|after|also|among|are|as|at|because|before|beside|between|both|by|can|do|does|for|from|"
    r"has|have|here|how|if|in|into|is|it|its|no|nor|not|of|on|only|or|out|over|same|since|so|such|that|"
    r"their|then|there|these|they|this|those|though|through|to|too|toward|towards|under|until|was|what|"
    r"when|where|whether|which|while|who|whose|why|with|within|without)\b(?!:)",
    re.IGNORECASE,
)


def read(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def modules(folder: str) -> list[Path]:
    """Every module of a folder but ``__init__``, relative to the repository."""
    found = sorted(path.relative_to(ROOT) for path in (ROOT / folder).rglob("*.py"))
    return [path for path in found if path.name != "__init__.py"]


def mirrored(module: Path) -> str:
    """The place where the test of a module belongs."""
    home = "core" if module.parts[0] == "jepa_core" else "plugins"
    return str(Path("tests", home, *module.parts[1:-1], f"test_{module.name}"))


@cache
def imports(path: Path) -> list[str]:
    """The modules that a file imports, also inside of functions."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return names


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of every docstring of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if documented and (text := ast.get_docstring(node)):
            yield node.body[0].lineno, text


def components() -> list[Component]:
    """The components of the built-in plugins."""
    return [component for component in Registry.discover().describe() if component.distribution == "jepa-core"]


@pytest.fixture(scope="module")
def setup() -> ConfigParser:
    parser = ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


#: The rooms of the core, upper ones first. Each imports only what stands above it, or is itself.
ROOMS = (
    *(
        "errors",
        "paths",
        "streams",
        "signals",
        "hookspecs",
        "contexts",
        "components",
        "tensors",
        "distributed",
        "progress",
    ),
    *("samples", "views", "contracts", "registry", "recipe", "model", "objective", "evaluation"),
    *(
        "folder",
        "display",
        "checkpoint",
        "training",
        "assembly",
        "verify",
        "launch",
        "report",
        "study",
        "cli",
        "testing",
    ),
)
COMPONENTS_SAY_WHAT_THEY_TAKE = "components are called with it; recipes read this module, and load no torch"
#: Importer, imported, and why this one may go up the stairs, for type checkers alone.
FOR_TYPES = {
    ("components", "samples.draws"): COMPONENTS_SAY_WHAT_THEY_TAKE,
    ("components", "objective.objective"): COMPONENTS_SAY_WHAT_THEY_TAKE,
    ("components", "samples.sample_set"): COMPONENTS_SAY_WHAT_THEY_TAKE,
    ("components", "samples.samples"): COMPONENTS_SAY_WHAT_THEY_TAKE,
    ("contexts", "samples.token_names"): COMPONENTS_SAY_WHAT_THEY_TAKE,
    ("components", "views.pairs"): COMPONENTS_SAY_WHAT_THEY_TAKE,
    ("components", "views.row_tokens"): COMPONENTS_SAY_WHAT_THEY_TAKE,
    ("assembly.watched_step", "assembly.build"): "takes the Run that build makes; build watches components with it",
    ("assembly.trainer", "assembly.build"): "takes the Run that build makes; a Run makes its trainer on first use",
}


@dataclass(frozen=True)
class Edge:
    """An import inside the core. source, target: without ``jepa_core.``, which itself is the empty name."""

    source: str
    target: str
    line: int
    for_types: bool

    def __str__(self) -> str:
        return f"{self.source}:{self.line} imports {self.target or 'jepa_core'}"


def edges_of(name: str, text: str, known: Collection[str]) -> Iterator[Edge]:
    """The imports of a module `name` of the core, also inside of functions. known: all modules of the core."""
    tree = ast.parse(text)
    guards = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    for_types = {id(node) for guard in guards for node in ast.walk(guard)}
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            names = [i if i.removeprefix("jepa_core.") in known else str(node.module) for i in inside]
        for found in dict.fromkeys(names):
            if found.split(".")[0] == "jepa_core":
                yield Edge(name, found.removeprefix("jepa_core").lstrip("."), node.lineno, id(node) in for_types)


@cache
def core_edges() -> list[Edge]:
    """Every import inside the core, but those of ``jepa_core/__init__.py``, whose names load on first use."""
    paths = {
        ".".join(p.relative_to(ROOT / "jepa_core").with_suffix("").parts): p for p in (ROOT / "jepa_core").rglob("*.py")
    }
    named = {name.removesuffix("__init__").rstrip("."): path for name, path in paths.items()}
    return [e for name, path in named.items() if name for e in edges_of(name, path.read_text(encoding="utf-8"), named)]


def upwards(edges: Iterable[Edge]) -> list[str]:
    """The imports of a room below."""
    rank = {room: number for number, room in enumerate(ROOMS)}
    return [
        str(edge)
        for edge in edges
        if edge.target
        and rank[edge.target.split(".")[0]] > rank[edge.source.split(".")[0]]
        and not (edge.for_types and (edge.source, edge.target) in FOR_TYPES)
    ]


def circles(edges: Iterable[Edge]) -> list[str]:
    """Imports that lead back to where they come from."""
    steps: dict[str, set[str]] = {}
    counted = [e for e in edges if e.target and not (e.for_types and (e.source, e.target) in FOR_TYPES)]
    for edge in counted:
        steps.setdefault(edge.source, set()).add(edge.target)

    def reached(start: str) -> set[str]:
        seen: set[str] = set()
        waiting = [start]
        while waiting:
            waiting += (new := steps.get(waiting.pop(), set()) - seen)
            seen |= new
        return seen

    return [str(edge) for edge in counted if edge.source in reached(edge.target)]


class TestRooms:
    def test_imports_go_downwards_only(self):
        edges = core_edges()
        assert {edge.source.split(".")[0] for edge in edges} <= set(ROOMS)
        assert upwards(edges) == []
        assert len(edges) > 400

    def test_every_room_has_its_place(self):
        assert {
            p.stem for p in (ROOT / "jepa_core").iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()
        } == {
            "__init__",
            *ROOMS,
        }

    def test_no_module_leads_back_to_itself(self):
        assert circles(core_edges()) == []

    def test_what_is_let_through_is_there(self):
        there = {(edge.source, edge.target) for edge in core_edges() if edge.for_types}
        assert [pair for pair in FOR_TYPES if pair not in there] == []

    def test_the_root_is_asked_for_its_version_only(self):
        """Its names are those of modules below."""
        asking = [edge for edge in core_edges() if not edge.target]
        uses = [re.findall(r"jepa_core\.(\w+)", read(f"jepa_core/{e.source.replace('.', '/')}.py")) for e in asking]
        assert all("__version__" in found for found in uses)
        froms = [path for path in modules("jepa_core") if re.search(r"^ *from jepa_core import", read(str(path)), re.M)]
        assert [str(path) for path in froms if "from jepa_core import hookspecs" not in read(str(path))] == []

    def test_the_tests_of_these_rules_see_what_they_should(self):
        known = ("samples", "samples.draws", "cli.main", "errors", "report.html")
        text = (
            "import jepa_core\nfrom jepa_core.cli import main\ndef f():\n    from jepa_core.errors import JepaError\n"
        )
        text += "if TYPE_CHECKING:\n    from jepa_core.report.html import page\n"
        edges = list(edges_of("samples.draws", text, known))
        assert [(e.target, e.line, e.for_types) for e in edges] == [
            ("", 1, False),
            ("cli.main", 2, False),
            ("errors", 4, False),
            ("report.html", 6, True),
        ]
        assert upwards(edges) == ["samples.draws:2 imports cli.main", "samples.draws:6 imports report.html"]
        back = [Edge("errors", "samples.draws", 1, True), Edge("errors", "cli.main", 2, False)]
        assert circles([*edges, *back]) == ["samples.draws:4 imports errors", "errors:1 imports samples.draws"]


#: Words that name things of one task.
OF_A_TASK = re.compile(r"\b(heads?|relations?|tails?|facts?|atomic)\b", re.I)
#: File of the core -> what it means by such a word.
OTHERWISE_MEANT = {
    "jepa_core/display/html.py": "the element of a page",
    "jepa_core/model/flex_attention.py": "attention heads",
    "jepa_core/model/grouped_attention.py": "attention heads",
    "jepa_core/model/layer_mask.py": "attention heads",
    "jepa_core/model/stream_attention.py": "attention heads",
    "jepa_core/recipe/model_config.py": "attention heads",
    "jepa_core/assembly/git_revision.py": "git's file of that name",
}


class TestLayers:
    """The core knows no built-in: built-ins come in like anybody's plugin."""

    def test_the_core_names_no_task(self):
        found = [
            f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
            for path in (ROOT / "jepa_core").rglob("*.py")
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
            if OF_A_TASK.search(line) and str(path.relative_to(ROOT)) not in OTHERWISE_MEANT
        ]
        assert found == []
        assert [path for path in OTHERWISE_MEANT if not OF_A_TASK.search(read(path))] == []

    def test_the_core_never_imports_a_built_in(self):
        files = list((ROOT / "jepa_core").rglob("*.py"))
        others = ("jepa_plugins", "plugins", "tests")
        assert [path.name for path in files for name in imports(path) if name.split(".")[0] in others] == []
        assert [path.name for path in files if "jepa_plugins" in path.read_text(encoding="utf-8")] == []
        assert len(files) > 50

    def test_nothing_is_imported_by_the_name_of_its_folder(self):
        """The modules ``plugins.x`` and ``jepa_plugins.x``, both importable from the root, would be two."""
        files = [path for folder in ("jepa_core", "plugins", "tests") for path in (ROOT / folder).rglob("*.py")]
        wrong = [path for path in files for name in imports(path) if name.split(".")[0] in ("plugins", "recipes")]
        assert wrong == []


class TestHooks:
    def test_there_is_one_a_kind(self):
        specs = {name for name in vars(hookspecs) if hasattr(getattr(hookspecs, name), "jepa_core_spec")}
        assert specs == {kind.hook for kind in KINDS.values()}
        assert len(specs) == 10

    @pytest.mark.parametrize("hook", [kind.hook for kind in KINDS.values()])
    def test_each_is_documented(self, hook):
        assert f"| `{hook}` |" in read("CONTRIBUTING.md")
        assert "Called once, when a recipe is resolved" in getattr(hookspecs, hook).__doc__


class TestComponents:
    def test_each_is_tested(self):
        homes = {Path("plugins", *component.factory.__module__.split(".")[1:]) for component in components()}
        assert [str(home) for home in homes if not (ROOT / f"{mirrored(home)}.py").is_file()] == []
        assert len(homes) > 20

    def test_each_says_what_it_does(self):
        assert [component.name for component in components() if not component.summary.endswith(".")] == []

    def test_the_page_of_components_has_a_row_for_each(self):
        rows = re.findall(rf"^\| ({'|'.join(KINDS)}) \| `(\w+)` \|", read("docs/COMPONENTS.md"), re.M)
        assert sorted(rows) == sorted((component.kind, component.name) for component in components())


class TestPackaging:
    def test_packages_are_those_on_disk(self, setup):
        """A sub-package that is missing there is missing from the wheel, though not from an editable install."""
        on_disk = {
            ".".join((package, *init.parent.relative_to(ROOT / folder).parts))
            for package, folder in PACKAGES.items()
            for init in (ROOT / folder).rglob("__init__.py")
        }
        assert set(setup["options"]["packages"].split()) == on_disk
        holding_modules = {path.parent for folder in PACKAGES.values() for path in modules(folder)}
        assert all((ROOT / folder / "__init__.py").is_file() for folder in holding_modules)

    def test_every_plugin_module_has_its_entry_point(self, setup):
        """An entry point is named by a module's place below ``plugins/``; helpers are modules without a hook."""
        points = dict(line.split(" = ") for line in setup["options.entry_points"]["jepa_core"].strip().splitlines())
        plugins = [path for path in modules("plugins") if "\n@hookimpl\n" in read(str(path))]
        names = [".".join(path.with_suffix("").parts[1:]) for path in plugins]
        assert points == {name: f"jepa_plugins.{name}" for name in names}
        assert len(points) > 20

    def test_constraints_pin_what_is_named(self, setup):
        extras = setup["options.extras_require"]
        named = "\n".join([setup["options"]["install_requires"], extras["plots"], extras["study"], extras["test"]])
        requirements = [Requirement(line) for line in named.split("\n") if line and not line.startswith("jepa-core")]
        lines = [line for line in read("constraints.txt").splitlines() if line and not line.startswith("#")]
        pins = {canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)}
        assert all(pins.values())
        missing = [str(r) for r in requirements if canonicalize_name(r.name) not in pins]
        assert missing == []
        too_low = [str(r) for r in requirements if pins[canonicalize_name(r.name)] not in r.specifier]
        assert too_low == []
        assert len(requirements) > 15

    def test_the_oldest_versions_are_those_that_are_allowed(self, setup):
        extras = setup["options.extras_require"]
        allowed = setup["options"]["install_requires"].split()
        allowed += [line for extra in ("lora", "plots", "study", "text") for line in extras[extra].split()]
        lines = [line for line in read("constraints-lowest.txt").splitlines() if not line.startswith("#")]
        assert lines == sorted(line.replace(">=", "==") for line in allowed)
        assert "constraints-lowest.txt" in read(".ci/lowest")

    def test_the_version_is_said_once_more_and_the_same(self, setup):
        from jepa_core import __version__

        assert setup["metadata"]["version"] == __version__ == metadata.version("jepa-core")
        assert f"## {__version__}" in read("CHANGELOG.md")


RECIPES = sorted((ROOT / "recipes").glob("*.yaml"))
STUDIES = sorted((ROOT / "recipes" / "studies").glob("*.yaml"))


class TestRecipes:
    def test_they_are_all_looked_at(self):
        assert len(RECIPES) >= 7

    @pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
    def test_each_is_valid_and_says_how_it_is_run(self, path):
        recipe = load_recipe(path)
        assert recipe.description
        head = re.match(r"(#.*\n)+", path.read_text(encoding="utf-8"))
        assert head, "starts with a comment"
        assert re.search(rf"^#   jepa-run {path.stem}$", head[0], re.M)

    @pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
    def test_each_study_is_valid_and_says_how_it_is_run(self, path):
        assert load_study(path, Registry.discover()).study.description
        assert f"#   jepa-run study recipes/studies/{path.name}\n" in path.read_text(encoding="utf-8")

    def test_their_figures_were_measured(self):
        assert [path.stem for path in [*RECIPES, *STUDIES] if "FIGURES" in path.read_text(encoding="utf-8")] == []


PAGES = ["README.md", "CONTRIBUTING.md", "docs/COMPONENTS.md", "docs/RESULTS.md", "docs/SPEED.md", "docs/VERIFY.md"]


class TestReadme:
    def test_it_is_short(self):
        assert len(read("README.md").split()) < 900

    def test_the_two_commands_are_there_each_in_a_block_of_its_own(self):
        blocks = re.findall(r"^```\w*\n(.*?)\n```$", read("README.md"), re.M | re.S)
        assert [block for block in blocks if "venv" in block] == COMMANDS

    def test_ci_reads_them_from_there(self):
        script = read(".ci/run")
        assert "README.md" in script
        assert "pip install" not in script
        assert (ROOT / ".ci" / "run").stat().st_mode & 0o111

    @pytest.mark.parametrize("document", [*PAGES, "docs/ARCHITECTURE.md"])
    def test_files_that_are_named_are_there(self, document):
        text = read(document)
        named = set(re.findall(r"`((?:jepa_core|plugins|recipes|tests|docs|benchmarks|scripts)/[\w./-]*)`", text))
        named |= {link for link in re.findall(r"\]\(([\w./-]+)\)", text) if not link.startswith("http")}
        places = (ROOT, (ROOT / document).parent)
        assert [name for name in sorted(named) if not any((place / name).exists() for place in places)] == []

    @pytest.mark.parametrize("document", [*PAGES, "CHANGELOG.md", "docs/ARCHITECTURE.md"])
    def test_nothing_is_left_to_be_filled_in(self, document):
        assert re.findall(r"\b(FIGURES|WHAT_YOU_SEE|TODO|FIXME|XXX)\b", read(document)) == []


class TestModules:
    def test_each_has_its_test(self):
        paths = [*modules("jepa_core"), *modules("plugins")]
        tests = {str(path): TESTED_IN.get(str(path), mirrored(path)) for path in paths}
        assert [path for path, test in tests.items() if not (ROOT / test).is_file()] == []

    def test_no_exception_has_one_of_its_own(self):
        assert [path for path in TESTED_IN if (ROOT / mirrored(Path(path))).is_file()] == []

    def test_exceptions_are_modules(self):
        assert [path for path in TESTED_IN if not (ROOT / path).is_file()] == []

    def test_none_is_long(self):
        lengths = {str(path): read(str(path)).count("\n") for path in [*modules("jepa_core"), *modules("plugins")]}
        assert {path: length for path, length in lengths.items() if length > 250} == {}


class TestDocstrings:
    def test_they_open_with_a_verb_or_a_noun(self):
        paths = [path for folder in ("jepa_core", "plugins") for path in sorted((ROOT / folder).rglob("*.py"))]
        opened = [
            (f"{path.relative_to(ROOT)}:{line}", text.splitlines()[0])
            for path in paths
            for line, text in docstrings(path)
            if FRAGMENT.match(text)
        ]
        assert opened == []

    def test_all_of_them_are_read(self, tmp_path):
        module = tmp_path / "module.py"
        module.write_text('"""A module."""\nclass A:\n    """A class."""\n    def f(self):\n        """Does it."""\n')
        assert sorted(docstrings(module)) == [(1, "A module."), (3, "A class."), (5, "Does it.")]


def test_no_path_of_a_machine_is_written_down():
    folders = ("jepa_core", "plugins", "recipes", "tests", "docs", "benchmarks", "scripts", ".ci")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    files += [path for path in ROOT.iterdir() if path.suffix in (".md", ".cfg", ".toml", ".txt")]
    # Written so that this file does not hold them.
    machine = re.compile("|".join(["/" + "home/", "/" + "root/", "/" + "Users/", "/" + "work/", "/" + "tmp/w"]))
    found = []
    for path in files:
        if path.suffix not in (".pyc", ".png", ".safetensors"):
            text = path.read_text(encoding="utf-8", errors="replace")
            found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in machine.finditer(text)]
    assert found == []
