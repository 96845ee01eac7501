"""Contract tests for authors of components. Needs pytest (in the extra ``test``).

Subclass the contract of the component's kind, say how to make one, and inherit the tests::

    class TestHuber(DistanceContract):
        def make(self):
            return Huber(delta=0.5)

A failure says which clause of the contract it is about. The example inputs are methods (``make_samples``,
``make_needs``, …) to override where a component needs others.
"""

import pytest

_MODULES = (
    "contract",
    "dataset",
    "distance",
    "embedding",
    "evaluation",
    "examples",
    "filter",
    "mask",
    "predictor",
    "regularizer",
    "reversal",
)
pytest.register_assert_rewrite(*(f"jepa_core.testing.{module}" for module in _MODULES))

from jepa_core.testing.dataset import DatasetContract  # noqa: E402
from jepa_core.testing.distance import DistanceContract  # noqa: E402
from jepa_core.testing.embedding import EmbeddingContract  # noqa: E402
from jepa_core.testing.evaluation import EvaluationContract  # noqa: E402
from jepa_core.testing.filter import FilterContract  # noqa: E402
from jepa_core.testing.mask import MaskContract  # noqa: E402
from jepa_core.testing.predictor import PredictorContract  # noqa: E402
from jepa_core.testing.regularizer import RegularizerContract  # noqa: E402
from jepa_core.testing.reversal import ReversalContract  # noqa: E402

__all__ = [
    "DatasetContract",
    "DistanceContract",
    "EmbeddingContract",
    "EvaluationContract",
    "FilterContract",
    "MaskContract",
    "PredictorContract",
    "RegularizerContract",
    "ReversalContract",
]
