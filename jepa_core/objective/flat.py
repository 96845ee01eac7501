"""Layout ``flat``: all blocks of a batch in one stream without padding, under attention of our own.

On a GPU that is FlexAttention, whose memory grows with the tokens; elsewhere ordinary attention by rows of like length,
which needs no mask at all under a plain one.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property, partial

import torch
from torch import Tensor

from jepa_core.components import MaskBuilder, MaskTraits
from jepa_core.errors import ComponentError
from jepa_core.model.flex_attention import FlexAttention, block_mask
from jepa_core.model.grouped_attention import GroupedAttention
from jepa_core.model.stream_attention import Attentions, StreamAttention
from jepa_core.model.transformer import Transformer
from jepa_core.objective.arrangement import Arrangement, Block, Call
from jepa_core.objective.attention_mask import NO_DISTANCE_TO_PREFIX, no_distance_between_views
from jepa_core.objective.one_stream import one_stream
from jepa_core.objective.stream import Stream
from jepa_core.views.row_tokens import Tokens

#: Names that configurations have for the dropout of attention weights.
_DROPOUT = ("attention_dropout", "attn_pdrop", "attention_probs_dropout_prob")


class Flat:
    """Arranges blocks for `transformer`, and tells its layers who sees whom. placeless: all position ids are 0."""

    def __init__(self, builder: MaskBuilder, transformer: Transformer, placeless: bool):
        traits = MaskTraits.of(builder)
        self.builder = None if traits.plain_block_causal else builder
        self.isolates, self.by_layer = traits.isolates_views, traits.by_layer
        self.transformer, self.placeless = transformer, placeless

    def arrange(self, blocks: Sequence[Block]) -> Arrangement:
        masked = self.builder is not None
        return one_stream(blocks, by_sample=masked or self.on_gpu, told=masked)

    def attentions(self, call: Call) -> Attentions:
        """The attention of each layer. Raises ComponentError where windows or chunks of the model need a distance of
        two tokens that nothing says."""
        stream = call.stream
        assert stream is not None, "a call of this layout is a stream"
        self._refuse_unsaid(stream)
        windows = [w if w is not None and w < stream.longest else None for w in self.transformer.windows]
        kinds = [(layer if self.by_layer else 0, window) for layer, window in enumerate(windows)]
        made = {kind: self._attention(stream, *kind) for kind in dict.fromkeys(kinds)}
        return tuple(made[kind] for kind in kinds)

    @cached_property
    def problem(self) -> str | None:
        """The reason why this model can't run a stream; None where it can."""
        if self.on_gpu and (name := self._drops_out()):
            return f"FlexAttention can't drop attention weights out: set {name}: 0 in model.config"
        return self.transformer.stream_problem(partial(_two_rows, self))

    @property
    def on_gpu(self) -> bool:
        return self.transformer.model.device.type == "cuda"

    def _attention(self, stream: Stream, layer: int, window: int | None) -> StreamAttention:
        if self.on_gpu and stream.first is not None:
            sees = stream.sees(self.builder, layer, window)
            return FlexAttention(block_mask(stream.first, len(stream.sample), sees))
        return GroupedAttention(stream.groups, stream.masks(self.builder, layer, window))

    def _refuse_unsaid(self, stream: Stream) -> None:
        chunk = self.transformer.chunk
        if chunk is not None and stream.longest > chunk:
            raise ComponentError(
                f"this model attends within chunks of {chunk} tokens, and a sample with its views has "
                f"{stream.longest}; use a plain block-causal mask with layout: rows"
            )
        narrow = self.transformer.sliding_window
        if narrow is None or narrow >= stream.longest:
            return
        if not self.isolates:
            raise no_distance_between_views(narrow, f"a sample with its views has {stream.longest}")
        if self.placeless and stream.branched is not None:
            raise ComponentError(NO_DISTANCE_TO_PREFIX)

    def _drops_out(self) -> str | None:
        config = self.transformer.model.config.get_text_config(decoder=True)
        return next((name for name in _DROPOUT if getattr(config, name, 0)), None)


def _two_rows(flat: Flat, tokens: int) -> Attentions:
    """The attentions of a stream of two samples of so many `tokens`, each plainly causal."""
    columns = torch.arange(tokens).repeat(2, 1)
    block = Block(columns, torch.ones_like(columns), columns, torch.arange(2))
    plain = Flat(_Plain(), flat.transformer, placeless=False)
    return plain.attentions(plain.arrange([block]).calls[0].to(flat.transformer.model.device))


class _Plain:
    """Lets a token see its own block."""

    plain_block_causal = True

    def __call__(self, query: Tokens, key: Tokens, layer: int) -> Tensor:
        return query.block == key.block
