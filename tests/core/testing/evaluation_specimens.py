"""Evaluations that keep the contract, and evaluations that break one clause each."""

from __future__ import annotations

from jepa_core.testing import EvaluationContract

from .dataset_specimens import LONG, MIDDLE, SHORT, Listed


class OfLengths(EvaluationContract):
    """Seven samples: two batches of 4, three of 3."""

    def sample_set(self):
        return Listed([SHORT, MIDDLE, LONG, SHORT, SHORT, MIDDLE, LONG])


def lengths(samples, batch_size):
    """Yields the lengths of the samples, batch by batch."""
    starts = range(0, len(samples), batch_size)
    parts = [samples.__getitems__(range(start, min(start + batch_size, len(samples)))) for start in starts]
    return [(part["tags"] != 0).sum(dim=1).tolist() for part in parts]


class TestMeanLength(OfLengths):
    def make(self):
        def measure(name, samples, batch_size):
            found = [length for part in lengths(samples, batch_size) for length in part]
            return {"mean": sum(found) / len(found), "by_length": {str(n): found.count(n) for n in found}}

        return measure


class TestNothing(OfLengths):
    fails = ("test_figures_are_plain",)

    def make(self):
        return lambda name, samples, batch_size: {}


class TestATensor(OfLengths):
    fails = ("test_figures_are_plain",)

    def make(self):
        return lambda name, samples, batch_size: {"lengths": samples[0]["input_ids"].sum()}


class TestNaN(OfLengths):
    fails = ("test_figures_are_plain", "test_batches_do_not_matter")

    def make(self):
        return lambda name, samples, batch_size: {"mean": float("nan")}


class TestNumbersForNames(OfLengths):
    fails = ("test_figures_are_plain",)

    def make(self):
        return lambda name, samples, batch_size: {1: 2.0}


class TestMeanOfMeans(OfLengths):
    fails = ("test_batches_do_not_matter",)

    def make(self):
        def measure(name, samples, batch_size):
            means = [sum(part) / len(part) for part in lengths(samples, batch_size)]
            return {"mean": sum(means) / len(means)}

        return measure


class TestAFigureForEveryBatch(OfLengths):
    fails = ("test_batches_do_not_matter",)

    def make(self):
        def measure(name, samples, batch_size):
            return {f"batch_{i}": max(part) for i, part in enumerate(lengths(samples, batch_size))} | {"last": 5}

        return measure


class TestCounts(OfLengths):
    """Counts its calls: another run gives another figure."""

    fails = ("test_batches_do_not_matter",)
    calls = 0

    def make(self):
        def measure(name, samples, batch_size):
            type(self).calls += 1
            return {"calls": type(self).calls}

        return measure


class TestText(OfLengths):
    """metrics.json could hold it, and nobody could read the run's figures again."""

    fails = ("test_figures_are_plain",)

    def make(self):
        return lambda name, samples, batch_size: {"mean": "long"}
