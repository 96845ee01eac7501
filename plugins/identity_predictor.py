"""``identity``: the source's embedding is the prediction."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from jepa_core import hookimpl


class Identity:
    """Leaves the source's embedding as it is (LLM-JEPA, arXiv 2509.14252, whose predictor is the language model)."""

    def __call__(self, state: Tensor, condition: Tensor | None) -> Tensor:
        return state


@hookimpl
def jepa_predictors() -> Mapping[str, object]:
    return {"identity": Identity}
