"""Movements on a model whose every path is known."""

from __future__ import annotations

from math import isnan, nan

import pytest
import torch

from jepa_core.verify.perturb import measure, worst
from tests.support import SAMPLES, small_batch, small_model, small_objective


def test_the_worst_is_nan_if_one_is():
    assert worst([]) == 0
    assert worst([1.0, 3.0, 2.0]) == 3
    assert isnan(worst([nan, 3.0]))
    assert isnan(worst([3.0, nan]))


@pytest.mark.parametrize("layout", ["packed", "rows"])
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_right_model(layout, attention):
    objective = small_objective(small_model(attention=attention), layout=layout).eval()
    found = measure(objective, objective.plan(small_batch()), columns=16)
    assert found.crossing == {(0, 1): 0.0, (1, 0): 0.0}
    assert (found.earlier, found.samples, found.padding) == (0, 0, 0)
    assert 0.1 < found.own < 10


def test_how_far_a_leak_moves():
    """The final states of the second block have the mean of the first one's last token added, times 0.5."""
    objective = small_objective(small_model(), layout="packed").eval()
    plan = objective.plan(small_batch(SAMPLES[:1]))
    (width, _) = (block.ids.shape[1] for block in plan.blocks)

    def leak(module, args, out):
        return torch.cat([out[:, :width], out[:, width:] + 0.5 * out[:, width - 1 : width]], dim=1)

    objective.model.base_model.ln_f.register_forward_hook(leak)
    found = measure(objective, plan, columns=16)
    assert found.crossing[0, 1] > 0.05
    assert found.crossing[1, 0] == 0
    assert found.earlier == 0


def test_one_sample_without_padding():
    objective = small_objective(small_model()).eval()
    found = measure(objective, objective.plan(small_batch(SAMPLES[:1])), columns=2)
    assert (found.samples, found.padding) == (None, None)


def test_new_tokens_that_all_have_the_mean_row():
    """A token that becomes its neighbour does not move then, and has to become another one."""
    model = small_model()
    objective = small_objective(model, k=2, pred_ids=(24, 25)).eval()
    with torch.no_grad():
        model.get_input_embeddings().weight[24:] = model.get_input_embeddings().weight[:24].mean(dim=0)
    assert measure(objective, objective.plan(small_batch()), columns=16).own > 0.01
