"""``concept_isolating``: lower layers see one entity at a time, upper layers see whole entities only."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from jepa_core import BuildContext, ComponentError, hookimpl
from jepa_core.views.row_tokens import Tokens
from jepa_plugins.facts.roles import Role


class ConceptIsolatingMask:
    """Three ranges of layers, each causal and inside one block.

    The first `encoder_layers`: a token sees the earlier tokens of its own span, so the last token of an entity
    gathers its name and nothing else; its state there is the entity, whichever fact it stands in. Then: a
    token sees the last token of every span, so a question works with whole entities. The last `decoder_layers`:
    a token sees the mask token, whose state is the entity that was recalled, and the answer so far, so an
    answer is spelled from that entity alone. After Wang and Sun 2025 (arXiv 2504.01928), who bind entities to
    one vector each in a model of their own; here it is a mask on any transformer.
    """

    isolates_views = True
    by_layer = True

    def __init__(self, first_upper: int, first_decoder: int):
        self.first_upper = first_upper
        self.first_decoder = first_decoder

    def __call__(self, query: Tokens, key: Tokens, layer: int) -> Tensor:
        same_block, same_span = query.block == key.block, query.span == key.span
        if layer < self.first_upper:
            return same_block & same_span
        if layer < self.first_decoder:
            return same_block & key.last
        return same_block & ((key.tag == Role.MASK) | ((key.tag == Role.TAIL) & same_span))


def concept_isolating(context: BuildContext, encoder_layers: int = 1, decoder_layers: int = 0) -> ConceptIsolatingMask:
    """See one entity at a time, then whole entities only.

    encoder_layers: layers from the first on in which a token sees its own entity (or relation, or mask) alone;
    decoder_layers: layers up to the last one in which answers see the mask token and themselves alone.
    """
    if encoder_layers < 1 or decoder_layers < 0 or encoder_layers + decoder_layers >= context.num_layers:
        raise ComponentError(
            f"encoder_layers: {encoder_layers} and decoder_layers: {decoder_layers} of a model with "
            f"{context.num_layers} layers: one or more have to encode, and one or more to be left between"
        )
    return ConceptIsolatingMask(encoder_layers, context.num_layers - decoder_layers)


@hookimpl
def jepa_mask_builders() -> Mapping[str, object]:
    return {"concept_isolating": concept_isolating}
