"""Evaluation sets that have training samples."""

from __future__ import annotations

from dataclasses import replace

import torch

from jepa_core.samples.samples import Samples
from jepa_core.verify.checks.apart import apart, sequence_hashes
from jepa_core.verify.row import Verdict
from jepa_plugins.facts.fact_set import FactSet
from jepa_plugins.facts.roles import SampleType
from tests.core.verify.breaking import tiny


def with_set(name: str, facts: Samples, kind: SampleType):
    context = tiny()
    made = FactSet(facts, torch.full((len(facts),), kind))
    context.run.data = replace(context.run.data, evaluation={name: made})
    return list(apart(context))


def test_sets_of_a_right_run():
    """None of 10 test facts is trained; the sets of trained facts are named like their groups."""
    rows = {row.name.split("'")[1]: (row.verdict, row.figure) for row in apart(tiny())}
    assert rows == {"train": (Verdict.NA, 40), "atomic": (Verdict.NA, 10), "test": (Verdict.PASS, 0)}


def test_some_trained_samples_are_warned_of_and_half_of_them_fail():
    run = tiny().run
    trained, test = run.train_dataset.facts, run.eval_datasets["test"].facts
    for some, verdict in ((1, Verdict.WARN), (9, Verdict.WARN), (10, Verdict.FAIL)):
        both = Samples(torch.cat([test.ids, trained.ids[:some]]), torch.cat([test.tags, trained.tags[:some]]))
        (row,) = with_set("test", both, SampleType.TEST)
        assert (row.verdict, row.figure) == (verdict, some)
        assert row.evidence == f"{some} of {10 + some} samples stand in the training set"


def test_padding_plays_no_part():
    run = tiny().run
    trained = run.train_dataset.facts
    wide = Samples(torch.nn.functional.pad(trained.ids, (0, 2)), torch.nn.functional.pad(trained.tags, (0, 2)))
    assert torch.equal(
        sequence_hashes(FactSet(wide, run.train_dataset.sample_type)), sequence_hashes(run.train_dataset)
    )
    assert sequence_hashes(FactSet(wide[torch.tensor([], dtype=torch.int64)], torch.zeros(0))).shape == (0,)
