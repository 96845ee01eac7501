"""The promises of a further evaluation: :class:`jepa_core.components.Evaluation`."""

from __future__ import annotations

import json
from typing import Any

from jepa_core.contracts.broken import Broken
from jepa_core.contracts.clauses import figures
from jepa_core.samples.sample_set import SampleSet
from jepa_core.testing.contract import clause


class EvaluationContract:
    """Subclass it and implement ``make`` (the evaluation, made for some run) and ``sample_set`` (a set of that run);
    see ``jepa_core.testing``."""

    kind = "evaluation"

    def make(self) -> Any:
        raise NotImplementedError("implement make(): return the evaluation, made for a run")

    def sample_set(self) -> SampleSet:
        raise NotImplementedError("implement sample_set(): return a set of that run")

    def figures(self, batch_size: int = 4) -> dict[str, Any]:
        return dict(self.make()("test", self.sample_set(), batch_size))

    @clause("an evaluation gives figures by name, as JSON can hold them")
    def test_figures_are_plain(self) -> None:
        found = self.figures()
        assert found, "there is no figure"
        try:
            figures(found)
        except Broken as error:
            raise AssertionError(str(error)) from error
        json.dumps(found, allow_nan=False)

    @clause("the same run gives the same figures, whatever the batch size")
    def test_batches_do_not_matter(self) -> None:
        first, other = self.figures(4), self.figures(3)
        assert first.keys() == other.keys(), "another batch size gives other figures"
        for name, value in first.items():
            same = abs(value - other[name]) < 1e-6 if isinstance(value, float) else value == other[name]
            assert same, f"{name} is {value} in batches of 4 and {other[name]} in batches of 3"
