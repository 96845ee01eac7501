"""Losses that are not what two separate passes give."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from jepa_core.objective.jepa_term import RunningTerm, Side
from jepa_core.objective.objective import JepaObjective
from jepa_core.verify.checks.layouts import layouts
from jepa_core.verify.row import Verdict
from jepa_plugins.last_token import LastToken
from tests.core.verify.breaking import Unusual, red, tiny

CHECK = "layouts agree"
ALL = {(CHECK, f"{name}, against two naive passes") for name in ("auto, as trained", "packed", "rows", "flat")}
PACKED = (CHECK, "packed, as trained, against two naive passes")


LLAMA = (
    "model.config={model_type: llama, num_hidden_layers: 2, hidden_size: 32, intermediate_size: 64, "
    "num_attention_heads: 4}"
)


class DoubledJepa(JepaObjective):
    def _jepa_sums(self, plan, hidden, bank):
        for name, weight, total, count in super()._jepa_sums(plan, hidden, bank):
            yield name, weight, 2 * total, count


class DoubledNtp(JepaObjective):
    def _ntp_sum(self, plan, hidden):
        return 2 * super()._ntp_sum(plan, hidden)


@pytest.mark.parametrize("kind", [DoubledJepa, DoubledNtp])
def test_a_doubled_loss(kind):
    assert red(tiny(kind=kind)) == ALL


def test_a_gradient_that_goes_another_way():
    """The losses are right, and one side's gradient is missing."""

    class StoppedTerm(RunningTerm):
        def embeddings(self, *given):
            return [(predicted, target.detach()) for predicted, target in super().embeddings(*given)]

    class Stopped(JepaObjective):
        def __init__(self, model, spec):
            super().__init__(model, spec)
            self.terms = (StoppedTerm(**vars(self.terms[0])),)

    found = red(tiny(kind=Stopped))
    assert found == ALL
    evidence = next(iter(layouts(tiny(kind=Stopped)))).evidence
    told = dict(part.split(" ", 1) for part in evidence.split("; "))
    assert len(set(told["jepa"].split(" and "))) == 1, "the same loss"


def test_an_extractor_that_reads_elsewhere_than_it_says():
    class Liar(LastToken):
        def reads(self, valid, tags):
            return torch.zeros_like(valid)

    assert red(tiny(embedding=Liar())) == ALL


def test_a_view_that_ends_a_token_early():
    class ShortSide(Side):
        def embed(self, view, plan, hidden):
            last = view.select.int().argmax(dim=1) + view.select.sum(dim=1) - 1
            places = torch.arange(view.select.shape[1])
            earlier = type(view)(view.block, view.rows, view.select & (places != last[:, None]))
            return super().embed(earlier, plan, hidden)

    class Short(JepaObjective):
        def __init__(self, model, spec):
            super().__init__(model, spec)
            short = {name: ShortSide(**vars(getattr(self.terms[0], name))) for name in ("source", "target")}
            self.terms = (replace(self.terms[0], **short),)

    assert red(tiny(kind=Short)) == ALL


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        (["objective.k=0", "objective.distance=l2"], {}),
        (["objective.k=2", "objective.positions=none"], {}),
        (["objective.positions=restart", "objective.stop_gradient=target"], {}),
        (["model.dtype=bfloat16", "model.attn_implementation=eager"], {}),
        ([LLAMA], {}),
        ([], {"mask": Unusual()}),
        (["objective.layout=packed"], {}),
    ],
)  # fmt: skip
def test_right_ones_agree(overrides, parts):
    defaults = [] if any("llama" in o for o in overrides) else ["model.config.n_embd=32"]
    context = tiny(*(overrides or defaults), **parts)
    rows = list(layouts(context))
    assert {row.verdict for row in rows} <= {Verdict.PASS, Verdict.NA}
    assert any(row.verdict is Verdict.PASS for row in rows)


def test_what_the_naive_passes_cannot_express_is_said():
    class ByLayer(Unusual):
        by_layer = True

    rows = {row.name: row for row in layouts(tiny(mask=ByLayer()))}
    assert rows["two naive passes"].verdict is Verdict.NA
    assert rows["two naive passes"].evidence == "ByLayer is another mask in every layer"
    assert rows["rows"].verdict is Verdict.NA
