"""``relational_predictor``: from the head's state to the answer's, by a map that the relation chooses."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn.functional import rms_norm

from jepa_core import hookimpl
from jepa_core.components import BuildContext
from jepa_core.errors import ComponentError
from jepa_core.samples.samples import Role
from jepa_plugins.last_token import LastToken

EPS = 1e-6


class RelationalPredictor(nn.Module):
    """``W_out (W_relation r ⊙ W_head h)``, the predictor of a JEPA with the relation for its condition.

    h is the state of the head's last token after `layer`, r the mean of the relation's tokens after
    `relation_layer`, both scaled to a root mean square of 1. For each relation this is a linear map of h, which is
    what an inverse can be learned for; low-rank bilinear pooling (Kim et al. 2017, arXiv 1610.04325, equation 4) with
    as many products as give every relation a map of full rank of its own, as in RESCAL (Nickel et al. 2011). A view
    without a relation, which asks for its head, gives h as it is: against the head's own state that only keeps
    entities apart.
    """

    def __init__(self, width: int, products: int, layer: int = -1, relation_layer: int = 0):
        super().__init__()
        self.layer = (layer, relation_layer)
        self._at_head = LastToken(layer, role="head")
        self.head = _linear(width, products)
        self.relation = _linear(width, products)
        self.out = _linear(products, width)

    def forward(self, hidden: tuple[Tensor, Tensor], valid: Tensor, roles: Tensor) -> Tensor:
        """``b d``. hidden: states ``b s d`` after `layer` and after `relation_layer`; valid, roles: ``b s``."""
        states, relation_states = hidden
        head = self._at_head(states, valid, roles)
        of_relation = valid & (roles == Role.RELATION)
        count = of_relation.sum(dim=1, keepdim=True)
        weights = of_relation.to(states.dtype) / count.clamp(min=1)
        relation = (weights.unsqueeze(1) @ relation_states).squeeze(1)
        own = self.out.weight.dtype  # fp32 also beside a model in bf16
        products = self.relation(_scaled(relation).to(own)) * self.head(_scaled(head).to(own))
        return self.out(products).to(head.dtype).where(count > 0, head)

    def reads(self, valid: Tensor, roles: Tensor) -> Tensor:
        """``b s`` bool: the head's last token and the relation's."""
        return self._at_head.reads(valid, roles) | (valid & (roles == Role.RELATION))


def _scaled(states: Tensor) -> Tensor:
    """``b d``, each of root mean square 1."""
    return rms_norm(states, states.shape[-1:], eps=EPS)


def _linear(inputs: int, outputs: int) -> nn.Linear:
    """Keeps the length of a random vector."""
    made = nn.Linear(inputs, outputs, bias=False)
    nn.init.normal_(made.weight, std=inputs**-0.5)
    return made


def relational_predictor(
    context: BuildContext, layer: int = -1, relation_layer: int = 0, products: int | None = None
) -> RelationalPredictor:
    """Predicts the answer's state from the head's by a linear map for each relation; with parameters.

    layer: of the head's state, at its last token; relation_layer: of the relation's, 0 the embeddings, where it has
    seen nothing else; products: numbers multiplied, by default relations × width. With fewer, relations share
    maps, and a relation's inverse need not be among them.
    """
    if products is None:
        products = max(1, len(context.vocabulary.relation_ids)) * context.width
    if products < 1:
        raise ComponentError(f"products: expected 1 or more, not {products}")
    return RelationalPredictor(context.width, products, layer, relation_layer)


@hookimpl
def jepa_embedding_extractors() -> Mapping[str, object]:
    return {"relational_predictor": relational_predictor}
