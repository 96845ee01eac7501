from __future__ import annotations

import pytest
from torch import nn

from jepa_core.model.evaluating import evaluating


def test_every_module_is_in_its_own_mode_afterwards():
    model = nn.Sequential(nn.Dropout(), nn.Dropout()).train()
    model[1].eval()
    with pytest.raises(KeyError), evaluating(model):
        assert not model.training
        assert not model[0].training
        raise KeyError
    assert [module.training for module in model.modules()] == [True, True, False]
