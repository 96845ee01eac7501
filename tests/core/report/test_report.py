"""Whole reports: what is on the page, of finished and unfinished runs, of one and of several."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest

import jepa_core
from jepa_core.errors import JepaError
from jepa_core.folder.run_folder import RunFolder
from jepa_core.registry import Registry
from jepa_core.report import sections
from jepa_core.report.log import Log
from jepa_core.report.record import read_records
from jepa_core.report.report import report, write_report
from tests.core.report.folders import LOG, METRICS, TINY, make_run

REGISTRY = Registry.discover()


class Page(HTMLParser):
    """Headings and paragraphs, words of pictures, and whatever refers to somewhere."""

    def __init__(self, text: str):
        super().__init__()
        self.titles = 0
        self.sections: list[str] = []
        self.pictures: list[str] = []
        self.notes: list[str] = []
        self.refers: list[str] = []
        self.tags: set[str] = set()
        self._in = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.add(tag)
        self.titles += tag == "title"
        self._in = tag
        if tag == "figure":
            assert given["role"] == "img"
            self.pictures.append(given["aria-label"])
        if tag == "p":
            self.notes.append("")
        self.refers += [value for name, value in attrs if name in ("src", "href", "xlink:href", "srcset", "action")]

    def handle_data(self, data):
        if self._in == "h2":
            self.sections.append(data)
        if self._in == "p":
            self.notes[-1] += data

    def handle_endtag(self, tag):
        self._in = ""


def page(*paths: Path) -> tuple[Page, str]:
    text = report(read_records(paths), REGISTRY)
    return Page(text), text


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> tuple[Page, str]:
    return page(make_run(tmp_path_factory.mktemp("finished") / "a"))


def test_a_finished_run(finished):
    found, text = finished
    assert found.sections == [
        "Metrics by split",
        "Final metrics",
        "Losses",
        "Course of training",
        "Gradients of the two terms",
        "Health of the embeddings",
        "Mask",
        "Predicted and target embeddings",
        "Recipe and versions",
    ]
    for part in (
        "Total loss over steps. a: from 6 to 3.5",
        "JEPA loss over steps. a: from 1 to 0.25",
        "Learning rate over steps. a: from 0.2 to 0.1",
        "Mean reciprocal rank over steps. a train: from 0.2 to 0.5; a atomic: 0.25; a test: from 0.1 to 0.125",
        "Gradient norm of each term over steps. a NTP: from 1 to 5; a JEPA: from 1 to 5",
        "Effective rank over steps. a predicted: from 1 to 5; a target: from 1 to 5",
        "Attention mask of Every layer: 49 of 169 places open, tokens <",
        "Predicted and target embeddings of 20 pairs. Spread ",
    ):
        assert any(words.startswith(part) for words in found.pictures), part
    assert '<th scope="row">mrr</th><td>0.5000</td><td>0.2500</td><td>0.1250</td>' in text
    assert "per_device_train_batch_size: 256" in text
    assert '<th scope="row">torch</th><td>2.13.0</td>' in text
    assert '<th scope="row">tokens per second</th><td>200</td>' in text


def test_it_stands_alone(finished):
    found, text = finished
    assert found.titles == 1
    assert len(found.pictures) == text.count("<svg ") > 10
    assert all(found.pictures)
    assert {value[:1] for value in found.refers} == {"#", "d"}
    assert [value for value in found.refers if not value.startswith("#")] == ["data:,"]
    assert not found.tags & {"script", "iframe", "img", "object", "embed"}
    assert "url(http" not in text
    assert "@import" not in text


def test_two_runs_are_laid_over_each_other(tmp_path):
    paths = make_run(tmp_path / "a"), make_run(tmp_path / "b", "objective.k=2", "objective.lambda_jepa=0.5")
    found, text = page(*paths)
    assert found.sections[0] == "What differs"
    assert "The recipes differ in objective.k, objective.lambda_jepa." in found.notes
    assert '<th scope="row">objective.k</th><td>1</td><td>2</td>' in text
    for words in ("test", "train"):
        assert re.search(rf'<th scope="col">{words}(: [^<]*)?</th><th scope="col">a</th><th scope="col">b</th>', text)
    assert '<th scope="row">mrr</th><td>0.1250</td><td>0.1250</td><td>0</td>' in text
    losses = next(words for words in found.pictures if words.startswith("Total loss"))
    assert losses == "Total loss over steps. a: from 6 to 3.5; b: from 6 to 3.5"
    assert [words.partition(":")[0] for words in found.pictures if "Attention mask" in words] == [
        "Attention mask of a, every layer",
        "Attention mask of b, every layer",
    ]
    assert "<title>Runs a, b</title>" in text
    assert text.count('<p class="legend"><span><i class="key" style="background: var(--c0)"></i>a</span>') == 5


def test_an_unfinished_run_shows_what_there_is(tmp_path):
    path = make_run(tmp_path / "a", metrics=None, weights=None)
    with open(path / "metrics.jsonl", "a") as log:
        log.write('{"step": 5, "lo')
    found, text = page(path)
    assert "unfinished, at step 4 of 4" in text
    assert "None yet: they are measured when training is over." in found.notes
    assert any(words.startswith("Total loss over steps. a: from 6 to 3.5") for words in found.pictures)
    assert any(words.startswith("Attention mask") for words in found.pictures)
    assert "no weights were saved yet." in found.notes


def test_a_run_that_has_logged_nothing(tmp_path):
    found, _ = page(make_run(tmp_path / "a", metrics=None, weights=None, log=[]))
    assert found.sections == ["Final metrics", "Mask", "Predicted and target embeddings", "Recipe and versions"]


def test_the_baseline_has_no_embeddings_to_show(tmp_path):
    found, _ = page(make_run(tmp_path / "a", recipe="ntp_only", log=[]))
    assert "no pair counts in this recipe, so there are no embeddings to compare." in found.notes


def test_a_model_that_can_not_be_loaded_costs_only_its_pictures(tmp_path):
    path = make_run(tmp_path / "a", log=LOG[:2])
    (path / "model" / "model.safetensors").unlink()
    found, _ = page(path)
    assert len([text for text in found.notes if text.startswith("a: the model can't be loaded here: ")]) == 2
    assert any(words.startswith("Total loss") for words in found.pictures)


def test_layers_where_they_were_computed(tmp_path):
    layers = {"0": {"mrr": 0.1}, "1": {"mrr": 0.5}}
    found, text = page(make_run(tmp_path / "a", log=[], metrics={**METRICS, "train": {"mrr": 0.5, "layers": layers}}))
    assert "Metrics by layer" in found.sections
    assert "Mean reciprocal rank over layers. a train: from 0.1 to 0.5" in found.pictures
    assert '<th scope="row">layers' not in text


def test_measured_only_at_the_end(tmp_path):
    log = [{"step": 1, "seconds": 1, "loss": 2.0}]
    assert "training.eval_steps gives curves" in " ".join(page(make_run(tmp_path / "a", log=log))[0].notes)


def test_more_runs_than_colours(tmp_path):
    (run,) = read_records([make_run(tmp_path / "a", weights=None)])
    with pytest.raises(JepaError, match="9 runs: more than 8 can't be told apart by colour"):
        report([run] * 9, REGISTRY)


def test_where_it_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    a, b = (make_run(Path(name), weights=None, log=[]) for name in "ab")
    assert write_report(read_records([a]), None, REGISTRY) == Path("a/report.html")
    assert write_report(read_records([a, b]), None, REGISTRY) == Path("report.html")
    assert write_report(read_records([a]), Path("far/x.html"), REGISTRY) == Path("far/x.html")
    assert all(Path(path).stat().st_size for path in ("a/report.html", "report.html", "far/x.html"))


def test_a_run_that_starts_anew_leaves_no_old_report(tmp_path):
    path = make_run(tmp_path / "a", weights=None, log=[])
    write_report(read_records([path]), None, REGISTRY)
    RunFolder(path).clear()
    assert [file.name for file in path.iterdir()] == ["recipe.resolved.yaml"]


def test_what_a_real_run_logs_is_found(tmp_path):
    overrides = [*TINY, "training.eval_steps=2", "training.logging_steps=2", "training.per_device_train_batch_size=8"]
    jepa_core.run(jepa_core.load_recipe("cosine_k1", [*overrides, f"output_dir={tmp_path / 'a'}"]), registry=REGISTRY)
    found, text = page(tmp_path / "a")
    shown = {words.partition(" over steps.")[0]: words for words in found.pictures}
    assert {
        *("Total loss", "Next-token loss", "JEPA loss", "Learning rate", "Gradient norm before clipping"),
        *("Tokens per second", "Counted pairs a step", "Gradient norm of each term", "Cosine of the two gradients"),
        *("Effective rank", "Mean cosine of two embeddings", "Mean reciprocal rank", "Joint accuracy"),
    } <= set(shown)
    assert re.search(r"a train: from [\d.]+ to [\d.]+; a atomic: from .*; a test: from ", shown["Joint accuracy"])
    assert any(words.startswith("Predicted and target embeddings of 20 pairs.") for words in found.pictures)
    assert "finished" in text


def test_a_collapse_stands_before_all_figures(tmp_path):
    flat = {"step": 4, "health_predicted_rank": 1.2, "health_predicted_cosine": 0.9999, "health_pairs": 64}
    found, text = page(make_run(tmp_path / "a", log=[*LOG[:-1], LOG[-1] | flat]))
    warned = [words for words in found.notes if "have collapsed" in words]
    assert len(warned) == 1
    assert warned[0].startswith("a: the embeddings have collapsed: predicted (effective rank 1.20")
    assert f'<p class="warning">{warned[0]}</p>' in text
    assert text.index(warned[0]) < text.index("<table")


def test_a_collapse_is_told_in_words():
    healthy = {"step": 0, "health_predicted_rank": 9.0, "health_predicted_cosine": 0.1, "health_pairs": 64}
    flat = healthy | {"step": 500, "health_predicted_rank": 1.4987, "health_predicted_cosine": 0.99987}
    records = [
        SimpleNamespace(name="recovered", log=Log((flat, healthy))),
        SimpleNamespace(name="flat", log=Log((healthy, flat))),
        SimpleNamespace(name="new", log=Log()),
    ]
    (words,) = sections.collapses(records)
    assert words.startswith("flat: the embeddings have collapsed: predicted (effective rank 1.50, mean cosine 0.99987)")
