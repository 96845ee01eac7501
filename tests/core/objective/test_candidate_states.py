"""The candidates' states: each alone, part by part."""

from __future__ import annotations

import pytest
import torch

from jepa_core.errors import ComponentError
from jepa_core.objective import candidate_states
from jepa_core.objective.spec import Ema
from jepa_plugins.facts.entities import entities_of
from jepa_plugins.last_token import LastToken
from tests.support import gradients, small_model, small_objective, small_set

NAMES = entities_of([small_set()])


def objective(kind="gpt2", **options):
    return small_objective(small_model(kind), embedding=(LastToken(), LastToken(layer=1)), candidates=NAMES, **options)


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_each_is_what_the_model_makes_of_it_alone(kind):
    made = objective(kind).eval()
    states = made.candidate_states()
    assert states.shape == (len(NAMES), 32)
    for row in range(len(NAMES)):
        ids = NAMES.samples.ids[row][NAMES.samples.valid[row]][None]
        expected = made.model(input_ids=ids, output_hidden_states=True).hidden_states[1][0, -1]
        assert torch.allclose(states[row], expected, atol=1e-6)


def test_in_parts_they_are_the_same_with_the_same_gradient(monkeypatch):
    made, found = objective(), []
    for part in (8192, 3):
        monkeypatch.setattr(candidate_states, "PART", part)
        states = made.candidate_states()
        with torch.no_grad():
            assert torch.allclose(made.candidate_states(), states, atol=1e-6)
        found.append((states, gradients(made, states.square().sum())))
    (one, gradient), (parts, of_parts) = found
    assert torch.allclose(one, parts, atol=1e-6)
    assert all(torch.allclose(gradient[name], of_parts[name], atol=1e-5) for name in gradient)
    assert any(value.any() for value in gradient.values())


def test_they_come_from_the_target_encoder_where_there_is_one():
    made = objective(target=Ema(0.5))
    before = made.candidate_states()
    with torch.no_grad():
        made.model.transformer.wte.weight.add_(1.0)
    assert torch.equal(made.candidate_states(), before)
    made.after_step()
    assert not torch.equal(made.candidate_states(), before)


def test_none_are_listed():
    with pytest.raises(ComponentError, match="the dataset lists none"):
        small_objective(small_model()).candidate_states()
