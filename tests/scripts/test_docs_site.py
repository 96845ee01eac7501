"""The documentation site, with two of the recipes; all of them, and the masks of all, where tests may be slow."""

from __future__ import annotations

import ast
import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer

import jepa_core
from jepa_core import Registry
from jepa_core.cli.main import app
from jepa_core.components import KINDS
from jepa_core.recipe.sources import shipped_recipes
from scripts.docs_site import build, docstrings, links, recipes, tutorials, written
from scripts.docs_site.kinds import contract_clauses
from scripts.docs_site.pages import Pages, gather

ROOT = Path(__file__).parents[2]
SOME = ("cosine_k1", "concept")
needs_zensical = pytest.mark.skipif(find_spec("zensical") is None, reason="needs the extra docs")


@pytest.fixture(scope="module")
def pages() -> Pages:
    some = {name: shipped_recipes()[name] for name in SOME}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recipes, "shipped_recipes", lambda: some)
        return gather()


class TestPages:
    def test_every_component_is_described_on_the_page_of_its_kind(self, pages):
        found = [c for c in Registry.discover().describe() if c.distribution == "jepa-core"]
        assert [c.name for c in found if f"### `{c.name}`" not in pages.texts[f"components/{c.kind}.md"]] == []
        assert len(found) > 30

    def test_every_kind_has_its_contract_and_all_but_rehearsals_a_way_to_start(self, pages):
        for kind in KINDS:
            text = pages.texts[f"components/{kind}.md"]
            assert f"Hook: `{KINDS[kind].hook}`" in text
            assert ("jepa-run new " in text) == (kind != "rehearsal")

    def test_every_command_is_there_with_its_help(self, pages):
        def paths(command, path):
            yield path
            for each in getattr(command, "commands", {}).values():
                yield from paths(each, f"{path} {each.name}")

        titles = re.findall(r"^#+ `(jepa-run.*)`$", pages.texts["cli.md"], re.M)
        assert titles == list(paths(typer.main.get_command(app), "jepa-run"))
        assert pages.texts["cli.md"].count("Usage: ") == len(titles) > 20

    def test_every_public_name_is_there(self, pages):
        titles = set(re.findall(r"^### `(\w+)`$", pages.texts["api.md"], re.M))
        assert titles == {name for name in jepa_core.__all__ if not name.startswith("__")}

    def test_no_markup_of_docstrings_is_left(self, pages):
        generated = [text for path, text in pages.texts.items() if path.startswith(("components/", "api"))]
        outside = [re.sub(r"^```.*?^```$", "", text, flags=re.M | re.S) for text in generated]
        assert [found for text in outside for found in re.findall(r"``.*|:(?:class|mod|func):`.*", text)] == []

    def test_a_recipe_has_its_text_and_the_masks_of_its_layers(self, pages):
        assert shipped_recipes()["concept"].read_text() in pages.texts["recipes/concept.md"]
        assert re.findall(r"\((\S+\.svg#\S+)\)", pages.texts["recipes/concept.md"]) == [
            f"concept_mask_{number}{suffix}"
            for number in (0, 1)
            for suffix in (".svg#only-light", "_dark.svg#only-dark")
        ]
        light, dark = (pages.files[f"recipes/cosine_k1_mask{suffix}.svg"] for suffix in ("", "_dark"))
        assert light.startswith(b"<?xml")
        assert (b"#ffffff" in light, b"#ffffff" in dark) == (True, False)
        assert re.sub(rb"#[0-9a-f]{6}", b"", light) == re.sub(rb"#[0-9a-f]{6}", b"", dark)

    def test_stand_ins_are_for_recipes_that_are_there(self):
        assert set(recipes.STAND_INS) <= set(shipped_recipes())

    def test_every_page_is_in_the_menu_once(self, pages):
        menu = [path for paths in pages.sections.values() for path in paths]
        assert sorted(menu) == sorted(pages.texts)


class TestSite:
    @needs_zensical
    def test_it_builds_strictly_and_every_link_leads_somewhere(self, pages, tmp_path):
        out = build.build_pages(pages, tmp_path / "site")
        assert (out / "tutorials" / "own_distance.ipynb").is_file()
        assert len(list(out.rglob("*.html"))) == len(pages.texts) + 1  # and 404.html

    @needs_zensical
    def test_a_link_that_leads_nowhere_stops_it(self, tmp_path):
        wrong = Pages()
        wrong.add("Start", {"index.md": "# One\n\n[two](two.md)\n"})
        with pytest.raises(RuntimeError, match="does not exist"):
            build.build_pages(wrong, tmp_path / "site")
        wrong.texts["index.md"] = "# One\n\n![two](two.svg)\n"
        with pytest.raises(RuntimeError, match=r"index.html: two.svg is not there"):
            build.build_pages(wrong, tmp_path / "site")
        assert not (tmp_path / "site").exists()

    @needs_zensical
    @pytest.mark.slow
    def test_all_of_it(self, tmp_path):
        out = build.build(tmp_path / "site")
        assert {path.stem for path in (out / "recipes").glob("*.html")} == set(shipped_recipes())


class TestLinks:
    def test_what_is_missing_or_comes_from_elsewhere_is_named(self, tmp_path):
        (tmp_path / "a.html").write_text(
            '<a href="b.html#there"></a><a href="b.html#gone"></a><a href="c.html"></a><a href="https://x.org/y"></a>'
            '<img src="p.svg"><script src="https://x.org/z.js"></script><a href="#own"></a><b id="own"></b>'
        )
        (tmp_path / "b.html").write_text('<h2 id="there"></h2>')
        assert links.broken(tmp_path) == [
            "a.html: loads https://x.org/z.js",
            "a.html: b.html#gone: no such place on that page",
            "a.html: c.html is not there",
            "a.html: p.svg is not there",
        ]

    def test_a_folder_without_pages_is_no_site(self, tmp_path):
        assert links.broken(tmp_path) == [f"{tmp_path}: no page"]


PLACES = {"README.md": "index.md", "docs/A.md": "A.md"}


class TestWritten:
    @pytest.fixture
    def root(self, tmp_path) -> Path:
        for name in ("README.md", "docs/A.md", "docs/a.svg", "setup.cfg"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text("x")
        return tmp_path

    def relinked(self, text: str, path: str, root: Path) -> tuple[str, list[str]]:
        assets: dict[str, bytes] = {}
        return written.relinked(text, path, root, PLACES, assets), list(assets)

    def test_pages_and_pictures_are_found_from_both_places(self, root):
        assert self.relinked("[A](docs/A.md#b) ![p](docs/a.svg)", "README.md", root) == (
            "[A](A.md#b) ![p](a.svg)",
            ["a.svg"],
        )
        assert self.relinked("[R](../README.md) ![p](a.svg)", "docs/A.md", root) == (
            "[R](index.md) ![p](a.svg)",
            ["a.svg"],
        )

    def test_other_files_are_named_and_code_is_left(self, root):
        text = "[set-up](setup.cfg), [`setup.cfg`](setup.cfg) [w](https://x.org)\n```\n[a](b)\n```\n"
        found, _ = self.relinked(text, "README.md", root)
        assert found == "set-up (`setup.cfg`), `setup.cfg` [w](https://x.org)\n```\n[a](b)\n```\n"

    def test_a_file_that_is_not_there_is_an_error(self, root):
        with pytest.raises(ValueError, match=r"docs/A\.md: links to gone\.md"):
            self.relinked("[x](gone.md)", "docs/A.md", root)


class TestDocstrings:
    def test_roles_code_and_examples_become_markdown(self):
        text = "See :class:`~a.b.C` and ``x``::\n\n    y\n\n>>> 1 + 1\n2\n"
        assert docstrings.markdown(text) == "See `C` and `x`:\n\n    y\n\n```python\n>>> 1 + 1\n2\n\n```\n"

    def test_signatures_are_as_they_are_written(self):
        def made(a: int, b: str = "x", /, *rest: float, c=None, **others) -> bool: ...

        assert docstrings.signature("made", made) == (
            "```python\nmade(a: int, b: str = 'x', /, *rest: float, c=None, **others) -> bool\n```"
        )

        def alone(*, a_long_name_of_a_parameter: list[str], another_long_name: dict[str, int] | None = None): ...

        assert docstrings.signature("alone", alone) == (
            "```python\nalone(\n    *,\n    a_long_name_of_a_parameter: list[str],\n"
            "    another_long_name: dict[str, int] | None = None,\n)\n```"
        )

    def test_clauses_are_those_of_the_contract_and_of_every_component(self):
        clauses = contract_clauses("distance")
        assert "the order of the pairs does not matter" in clauses
        assert "a component leaves its inputs as they were, to the bit" in clauses
        assert len(clauses) > 10


TUTORIAL = '"""Left out."""\n\n# %% [markdown]\n# # Title\n#\n# Words.\n\n# %%\nx = 2\nprint("said")\nx + 1\n'


class TestTutorials:
    def test_there_is_one_for_each_door(self, pages):
        assert {"own_distance", "own_text", "reading_a_report"} <= {
            Path(path).stem for path in pages.texts if path.startswith("tutorials/")
        }

    def test_what_a_cell_prints_and_its_last_value_are_shown(self):
        parts = tutorials.cells(TUTORIAL)
        assert parts == [
            tutorials.Cell(True, "# Title\n\nWords."),
            tutorials.Cell(False, 'x = 2\nprint("said")\nx + 1'),
        ]
        assert tutorials.run(parts, "t.py") == ["", "said\n3\n"]

    def test_a_cell_that_fails_is_named(self):
        with pytest.raises(ZeroDivisionError) as caught:
            tutorials.run(tutorials.cells("# %%\nx = 1\n# %%\nx / 0\n"), "t.py")
        assert "t.py, cell 1" in str(caught.traceback[-1])

    def test_notebooks_hold_the_same_cells(self, pages):
        scripts = sorted((ROOT / "docs" / "tutorials").glob("*.py"))
        assert len(scripts) >= 3
        for script in scripts:
            made = json.loads(pages.files[f"tutorials/{script.stem}.ipynb"])
            assert (made["nbformat"], made["nbformat_minor"]) == (4, 5)
            assert made["cells"][0]["cell_type"] == "markdown"
            for cell in made["cells"]:  # the format's schema, in short
                needed = {"cell_type", "id", "metadata", "source"}
                assert set(cell) == needed | ({"execution_count", "outputs"} if cell["cell_type"] == "code" else set())
                assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", cell["id"])
            assert len({cell["id"] for cell in made["cells"]}) == len(made["cells"])
            code = ["".join(cell["source"]) for cell in made["cells"] if cell["cell_type"] == "code"]
            assert ast.dump(ast.parse("\n".join(code))) == ast.dump(
                ast.parse(script.read_text().partition("# %%")[2].partition("\n")[2])
            )
