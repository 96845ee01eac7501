"""Windows of layers, and masks of ours that see no further."""

from __future__ import annotations

from types import SimpleNamespace as Config

import pytest
import torch

from jepa_core.model.transformer import Transformer
from jepa_core.model.windows import chunk, max_positions, windows
from tests.families import a_model


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (Config(sliding_window=8), (8, 8, 8)),
        (Config(sliding_window=None), (None, None, None)),
        (Config(sliding_window=0), (None, None, None)),
        (Config(), (None, None, None)),
        (Config(sliding_window=8, layer_types=["full_attention", "sliding_attention", "conv"]), (None, 8, None)),
        (Config(sliding_window=8, layer_types=["full_attention"] * 3), (None, None, None)),
        (Config(attention_window_size=4, layer_types=None), (4, 4, 4)),
    ],
)
def test_of_each_layer(config, expected):
    assert windows(config, 3) == expected


def test_chunks():
    types = ["chunked_attention", "full_attention"]
    assert chunk(Config(attention_chunk_size=16, layer_types=types), 2) == 16
    assert chunk(Config(attention_chunk_size=16, layer_types=["full_attention"] * 2), 2) is None
    assert chunk(Config(attention_chunk_size=16), 2) is None


@pytest.mark.parametrize(
    ("kind", "config"),
    [
        ("mistral", {"sliding_window": 3}),
        ("gemma3_text", {"sliding_window": 2, "layer_types": ["sliding_attention", "full_attention"]}),
        ("gemma2", {"sliding_window": 3}),
        ("gpt_oss", {"sliding_window": 2}),
    ],
)
def test_they_are_the_models_own(kind, config):
    """States under the windows, given as a mask a layer, are those that the model makes by itself."""
    transformer = Transformer(a_model(kind, **config))
    assert any(transformer.windows)
    ids = torch.arange(8)[None]
    places = torch.arange(8)
    distance = places[:, None] - places
    allowed = torch.stack([(distance >= 0) & (distance < (window or 8)) for window in transformer.windows])
    mask = torch.zeros(allowed.shape).masked_fill(~allowed, torch.finfo(torch.float32).min)[None]
    with torch.no_grad():
        own, ours = (transformer(ids, ids, given, [1, 2]) for given in (None, mask))
        wide = transformer(ids, ids, torch.zeros(1, 1, 8, 8).masked_fill(distance < 0, -1e9), [2])
    assert all(torch.allclose(own[layer], ours[layer], atol=1e-5) for layer in (1, 2))
    assert not torch.allclose(own[2], wide[2], atol=1e-4)


@pytest.mark.parametrize(("room", "expected"), [(64, 64), (None, None), (-1, None), (0, None)])
def test_how_many_positions_there_are(room, expected):
    """XLNet's configuration says -1 where there is no bound."""
    assert max_positions(Config(max_position_embeddings=room)) == expected
    assert max_positions(Config()) is None
