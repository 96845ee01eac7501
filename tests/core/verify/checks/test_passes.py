"""A transformer that runs more than once, and tokens that go through it twice."""

from __future__ import annotations

from dataclasses import replace

from jepa_core.objective.arrangement import Arrangement
from jepa_core.objective.objective import JepaObjective
from jepa_core.verify.checks.passes import count_calls, passes
from tests.core.verify.breaking import Unusual, red, tiny

CHECK = "one forward pass"
CALLS = (CHECK, "transformer calls in a packed step")
TOKENS = (CHECK, "tokens not through the transformer exactly once")


class Twice(JepaObjective):
    """A second pass whose result nobody uses."""

    def hidden_states(self, plan, also=(), only_reads=False, bank=None):
        super().hidden_states(plan, also, only_reads, bank)
        return super().hidden_states(plan, also, only_reads, bank)


def test_a_second_pass():
    assert red(tiny(kind=Twice)) == {CALLS, TOKENS}


def test_tokens_that_are_arranged_twice():
    class Doubled(JepaObjective):
        def __init__(self, *args, **options):
            super().__init__(*args, **options)
            arrange = self.layout.arrange
            self.layout = replace(self.layout, arrange=lambda blocks: repeat(arrange(blocks)))
            self.planner.arrange = self.layout.arrange

    def repeat(arrangement):
        return Arrangement((*arrangement.calls, *arrangement.calls), arrangement.places)

    assert red(tiny(kind=Doubled)) == {CALLS, TOKENS}


def test_calls_are_counted_with_their_shapes():
    context = tiny("objective.k=2", mask=Unusual())
    context.objective.eval()
    calls = count_calls(context.objective, context.objective.plan(context.few))
    assert [tuple(call.shape) for call in calls] == [(6, 10)]  # 1 + 2 + 1 tokens and two predictors; 4 more
    assert next(iter(passes(context))).evidence == "NTP and JEPA together: 6×10 tokens"
