"""``relational``: a map from the head's state to the answer's, chosen by the relation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn.functional import rms_norm

from jepa_core import BuildContext, ComponentError, EmbeddingExtractor, hookimpl
from jepa_plugins.facts.vocabulary import Vocabulary

EPS = 1e-6
MOST_PRODUCTS = 1_000_000


class RelationalPredictor(nn.Module):
    """``W_out (W_relation r ⊙ W_head h)``: a predictor with the relation as its condition.

    h is the state, r the condition, both scaled to a root mean square of 1. For each relation this is a linear map of
    h, for which an inverse can be learned; it is low-rank bilinear pooling (Kim et al. 2017, arXiv 1610.04325,
    equation 4) with enough products to give every relation a map of full rank of its own, as in RESCAL (Nickel et al.
    2011). A pair without a relation, which asks for its head, gives h as it is: compared with the head's own state,
    that only keeps entities apart.
    """

    needs_condition = True

    def __init__(self, width: int, products: int):
        super().__init__()
        self.head = _linear(width, products)
        self.relation = _linear(width, products)
        self.out = _linear(products, width)

    def forward(self, state: Tensor, condition: Tensor | None) -> Tensor:
        """state, condition: ``n d``; returns ``n d``."""
        if condition is None:
            return state
        own = self.out.weight.dtype  # fp32 also beside a model in bf16
        products = self.relation(_scaled(condition).to(own)) * self.head(_scaled(state).to(own))
        has_relation = condition.detach().any(dim=-1, keepdim=True)
        return self.out(products).to(state.dtype).where(has_relation, state)


def _scaled(states: Tensor) -> Tensor:
    """Scales states ``n d`` to a root mean square of 1 each."""
    return rms_norm(states, states.shape[-1:], eps=EPS)


def _linear(inputs: int, outputs: int) -> nn.Linear:
    """A linear map that starts out keeping the length of random vectors."""
    made = nn.Linear(inputs, outputs, bias=False)
    nn.init.normal_(made.weight, std=inputs**-0.5)
    return made


def relational(context: BuildContext, products: int | None = None) -> RelationalPredictor:
    """Predicts the answer's state from the head's by a linear map for each relation; with parameters.

    Give it the relation as the condition: embedding: {source: {name: last_token, tag: head, …}, target: …, condition:
    {name: mean, tag: relation, layer: 0}}. products: numbers multiplied, by default relations × width. With fewer,
    relations share maps, and a relation's inverse need not be among them.
    """
    if products is None:
        products = max(1, len(Vocabulary.of(context.vocabulary).relation_ids)) * context.width
    if not 1 <= products <= MOST_PRODUCTS:
        raise ComponentError(f"products: expected 1 to {MOST_PRODUCTS:,}, not {products}")
    return RelationalPredictor(context.width, products)


def relational_predictor(
    context: BuildContext, layer: int = -1, relation_layer: int = 0, products: int | None = None
) -> EmbeddingExtractor:
    """An older way to write the predictor `relational`; recipes with it are read as its modern form."""
    raise ComponentError(
        "relational_predictor is a predictor by now: predictor: relational, and embedding: {source: {name: last_token, "
        f"tag: head, layer: {layer}}}, target: …, condition: {{name: mean, tag: relation, layer: {relation_layer}}}}}"
    )


def _instead(path: tuple[Any, ...], options: dict[str, Any]) -> dict[tuple[Any, ...], Any]:
    """Rewrites a recipe that names it as an extractor."""
    products = {"products": options["products"]} if options.get("products") is not None else {}
    if path[-1] != "source":
        return {}
    layer = {"layer": options["layer"]} if "layer" in options else {}
    return {
        path: {"name": "last_token", "tag": "head", **layer},
        (*path[:-1], "condition"): {"name": "mean", "tag": "relation", "layer": options.get("relation_layer", 0)},
        (*path[:-2], "predictor"): {"name": "relational", **products} if products else "relational",
    }


relational_predictor.instead = _instead  # type: ignore[attr-defined]


@hookimpl
def jepa_predictors() -> Mapping[str, object]:
    return {"relational": relational}


@hookimpl
def jepa_embedding_extractors() -> Mapping[str, object]:
    return {"relational_predictor": relational_predictor}
