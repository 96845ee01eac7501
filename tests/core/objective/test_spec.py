"""The spec of an objective: a term's parts by name, and whether it ever counts."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from jepa_core.objective.schedule import Schedule
from jepa_plugins.linear_predictor import LinearPredictor
from jepa_plugins.sample_type import SampleTypeFilter
from jepa_plugins.sigreg import SigReg
from tests.support import small_spec


def test_every_component_of_a_term_by_a_name_of_its_own():
    filters, regularizer, predictor = (SampleTypeFilter(), SampleTypeFilter()), SigReg(), LinearPredictor(4)
    term = small_spec(filters=filters, regularizers=(("sigreg", regularizer),), predictor=predictor).terms[0]
    parts = dict(term.parts())
    assert len(parts) == len(list(term.parts()))
    assert (parts["filter_0"], parts["filter_1"], parts["regularizer_sigreg"]) == (*filters, regularizer)
    assert (parts["predictor"], parts["condition_embedding"], parts["reversal"]) == (predictor, None, term.reversal)
    assert (parts["source_embedding"], parts["target_embedding"]) == (term.source, term.target)
    assert parts["distance"] is term.distance


@pytest.mark.parametrize(
    ("weight", "enabled"), [(0.0, False), (0.1, True), (Schedule(0, 0, 9), False), (Schedule(0, 1, 9), True)]
)
def test_a_term_without_weight_at_any_step_is_off(weight, enabled):
    assert replace(small_spec().terms[0], weight=weight).enabled is enabled


def test_nothing_is_poked_in_afterwards():
    spec = small_spec()
    for part in (spec, spec.terms[0]):
        with pytest.raises(FrozenInstanceError):
            part.terms = part.weight = None
