"""A model that says what it is told."""

from __future__ import annotations

from types import SimpleNamespace

import torch


class Speaker(torch.nn.Module):
    """Says the given tokens after each prompt, which is told by its last token; has no cache and needs no positions."""

    def __init__(self, says):
        super().__init__()
        self.says, self.calls = says, []

    def forward(self, input_ids, attention_mask, position_ids):
        self.calls.append(input_ids.shape)
        logits = torch.zeros(*input_ids.shape, 50)
        for row, (ids, seen) in enumerate(zip(input_ids.tolist(), attention_mask.tolist(), strict=True)):
            real = [token for token, is_real in zip(ids, seen, strict=True) if is_real]
            last = max(place for place, token in enumerate(real) if token in self.says)
            logits[row, -1, self.says[real[last]][len(real) - last - 1]] = 1
        return SimpleNamespace(logits=logits)
