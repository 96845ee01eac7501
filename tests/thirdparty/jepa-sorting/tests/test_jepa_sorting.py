"""The contracts, each in a few lines."""

from __future__ import annotations

from jepa_sorting import Shift, Spread, given_to_ordered, sorting

import jepa_core
from jepa_core import DatasetContext
from jepa_core.testing import (
    DatasetContract,
    EvaluationContract,
    PredictorContract,
    RegularizerContract,
    ReversalContract,
)

TASK = sorting(DatasetContext(), samples=20)


class TestDataset(DatasetContract):
    def make(self):
        return TASK


class TestViews(ReversalContract):
    vocabulary_size = 23

    def make(self):
        return given_to_ordered

    def make_samples(self):
        return jepa_core.Samples.of_batch(TASK.train.__getitems__(range(5)))


class TestPredictor(PredictorContract):
    def make(self):
        return Shift(8)


class TestRegularizer(RegularizerContract):
    def make(self):
        return Spread()


class TestEvaluation(EvaluationContract):
    run = jepa_core.build(jepa_core.load_recipe("sorting.yaml"))

    def make(self):
        return self.run.evaluations["sorted"]

    def sample_set(self):
        return self.run.eval_datasets["unseen"]
