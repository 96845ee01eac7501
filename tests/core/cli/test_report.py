"""``report``: a page, and its summary on the terminal."""

from __future__ import annotations

from pathlib import Path

from tests.core.report.folders import LOG, make_run


def words(text: str) -> list[list[str]]:
    return [line.split() for line in text.splitlines() if line.strip()]


def test_of_one_run(cli):
    make_run(Path("a"))
    done = cli("report", "a")
    assert done.exit_code == 0, done.output
    assert "<title>Run a</title>" in Path("a/report.html").read_text(encoding="utf-8")
    lines = words(done.stdout)
    assert ["state", "finished"] in lines
    assert ["tokens", "per", "second", "200"] in lines
    assert ["mrr", "0.5000", "0.2500", "0.1250"] in lines
    assert done.stdout.splitlines()[-1] == "a/report.html: curves, health, mask and embeddings"


def test_of_two_runs(cli):
    make_run(Path("a"), weights=None, log=LOG[:2])
    make_run(Path("b"), "objective.distance=l2", weights=None, metrics=None, log=LOG[:3])
    done = cli("report", "a", "b", "--out", "both.html")
    assert done.exit_code == 0, done.output
    assert Path("both.html").is_file()
    assert "The recipes differ in objective.distance." in done.stdout.splitlines()
    assert ["state", "finished", "unfinished,", "at", "step", "2", "of", "4"] in words(done.stdout)


def test_a_plugin_that_the_run_needs(cli):
    from .conftest import FAR

    Path("far.py").write_text(FAR)
    trained = cli(
        "tiny.yaml", "--plugin", "far.py", "objective.distance=far", "--output-dir", "run", "--max-steps", "1"
    )
    assert trained.exit_code == 0, trained.output
    assert cli("report", "run", "--plugin", "far.py").exit_code == 0
    assert "can&#x27;t be loaded" not in Path("run/report.html").read_text(encoding="utf-8")
    assert cli("report", "run").exit_code == 0
    assert "can&#x27;t be loaded here: " in Path("run/report.html").read_text(encoding="utf-8")


class TestRefused:
    def test_no_run_there(self, cli):
        Path("empty").mkdir()
        done = cli("report", "empty")
        assert (done.exit_code, done.stdout) == (1, "")
        assert done.stderr == "jepa-run: empty: holds no run (there is no recipe.resolved.yaml)\n"

    def test_something_else_in_the_way(self, cli):
        make_run(Path("a"), weights=None, log=[])
        before = Path("a/metrics.json").read_bytes()
        done = cli("report", "a", "--out", "a/metrics.json")
        assert done.exit_code == 1
        assert "a/metrics.json: exists and is none that jepa-run wrote" in done.stderr
        assert Path("a/metrics.json").read_bytes() == before

    def test_no_folder_given(self, cli):
        assert cli("report").exit_code == 2
