"""The sizes of the stages: on a GPU, and on a CPU to try the script itself."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """layers, width, heads, batches: of the steps on facts; graph_models: (layers, width, heads, batch) for CUDA
    graphs; text_*: of the steps on long rows; flat_*: tokens of a row, and of a batch, for streams; product: side of
    the matrix products that give the rate; rounds and round_seconds: of every timing; most_steps: of the run at
    scale."""

    tiny: bool
    facts: tuple[str, ...]
    layers: int
    width: int
    heads: int
    batches: tuple[int, ...]
    graph_models: tuple[tuple[int, int, int, int], ...]
    text_layers: int
    text_width: int
    text_heads: int
    text_tokens: int
    text_vocabulary: int
    text_batches: tuple[int, ...]
    flat_tokens: tuple[int, ...]
    flat_total: int
    product: int
    rounds: int
    round_seconds: float
    scale: tuple[str, ...]
    most_steps: int
    suite: tuple[str, ...]


FULL = Sizes(
    tiny=False,
    facts=(),
    layers=4,
    width=768,
    heads=12,
    batches=(256, 64, 1024, 4096),
    graph_models=((2, 128, 4, 64), (2, 128, 4, 256), (4, 768, 12, 64)),
    text_layers=12,
    text_width=768,
    text_heads=12,
    text_tokens=1024,
    text_vocabulary=16_000,
    text_batches=(4, 16),
    flat_tokens=(256, 1024, 4096),
    flat_total=16_384,
    product=8192,
    rounds=3,
    round_seconds=0.25,
    scale=(),
    most_steps=10_000,
    suite=("tests/core/objective", "tests/core/model", "tests/core/training", "tests/core/evaluation"),
)

#: The smallest sizes at which everything that is measured still takes place.
TINY = Sizes(
    tiny=True,
    facts=(
        "data.entities_both_ways=40",
        "data.entities_one_way=20",
        "data.relation_pairs=2",
        "data.name_multiplicity=2",
    ),
    layers=1,
    width=16,
    heads=2,
    batches=(4, 8),
    graph_models=((1, 16, 2, 4),),
    text_layers=1,
    text_width=16,
    text_heads=2,
    text_tokens=24,
    text_vocabulary=300,
    text_batches=(2,),
    flat_tokens=(24,),
    flat_total=48,
    product=32,
    rounds=1,
    round_seconds=0.0,
    scale=(
        "data.entities_both_ways=40",
        "data.entities_one_way=20",
        "data.relation_pairs=2",
        "data.name_multiplicity=2",
        "model.config.n_embd=16",
        "model.config.n_head=2",
        "training.per_device_train_batch_size=16",
    ),
    most_steps=3,
    suite=("tests/core/test_errors.py",),
)
