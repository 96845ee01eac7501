"""The last MLP, run only where its result is read."""

from __future__ import annotations

import pytest
import torch

from jepa_core.model.transformer import Transformer
from tests.support import SAMPLES, small_batch, small_model, small_objective

IDS = torch.tensor([[1, 2, 3, 4]])
POSITIONS = torch.arange(4)[None]


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_the_last_mlp_runs_only_where_it_is_read(kind):
    """And the states that are read are the same, gradients included (the tests against the reference)."""
    transformer = Transformer(small_model(kind).eval())
    transformer.check()
    seen = []
    transformer.blocks[-1].mlp.register_forward_hook(lambda module, args, out: seen.append(args[0].shape[:2]))
    everywhere = transformer(IDS, POSITIONS, None, [2])[2]
    reads = torch.tensor([1, 3])
    read = transformer(IDS, POSITIONS, None, [2], reads)[2]
    assert torch.allclose(everywhere[0, reads], read[0, reads], atol=1e-6)
    assert not torch.allclose(everywhere[0, 0], read[0, 0])
    assert seen == [(1, 4), (1, 2)]


def test_a_model_without_an_mlp_to_leave_out_runs_it_all():
    model = small_model().eval()
    mlp = model.transformer.h[-1].mlp
    inner = mlp.forward
    mlp.forward = lambda states: inner(states * states.shape[1])  # it sees how many tokens come
    transformer = Transformer(model)
    transformer.check()
    assert not transformer.last_mlp.works
    everywhere = transformer(IDS, POSITIONS, None, [2])[2]
    assert torch.equal(everywhere, transformer(IDS, POSITIONS, None, [2], torch.tensor([3]))[2])


def test_the_objective_reads_labels_predictors_and_targets_only():
    """Four of the first sample's thirteen tokens are read: the two before its answer, the predictor, and the target."""
    objective = small_objective(small_model(), layout="packed")
    plan = objective.plan(small_batch(SAMPLES[:1]))
    (reads,) = plan.reads
    width = plan.blocks[0].ids.shape[1]
    assert reads.tolist() == [3, 4, 6, width + 5]
