"""The identity: its contract, and that nothing happens."""

import torch

from jepa_core.testing import PredictorContract
from jepa_plugins.identity_predictor import Identity


class TestIdentityContract(PredictorContract):
    def make(self):
        return Identity()


def test_the_source_s_embedding_is_the_prediction():
    state = torch.tensor([[1.0, -2.0], [3.0, 4.0]])
    assert Identity()(state, None).tolist() == [[1.0, -2.0], [3.0, 4.0]]
    assert Identity()(state, torch.ones(2, 2)).tolist() == [[1.0, -2.0], [3.0, 4.0]]
