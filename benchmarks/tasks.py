"""Models and batches for the benchmarks: vocabulary 16,015, about 77 % of the samples eligible."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from jepa_core.assembly.build import build_objective
from jepa_core.objective.objective import JepaObjective
from jepa_core.recipe.load import load_recipe
from jepa_core.registry import Registry
from jepa_plugins.facts.fact_set import FactSet
from jepa_plugins.facts.generate import generate
from jepa_plugins.facts.roles import from_spans
from jepa_plugins.facts.task_size import TaskSize
from jepa_plugins.facts.vocabulary import Vocabulary

FULL = TaskSize(entities_both_ways=50_000, entities_one_way=30_000, relation_pairs=6, name_multiplicity=10)


@dataclass(frozen=True)
class Size:
    """A model's layers, width and heads; mixed: entities of 1 to 10 tokens instead of two."""

    layers: int
    width: int
    heads: int
    mixed: bool = False


@dataclass(frozen=True)
class Batches:
    """The same random batches for every arm, by number."""

    facts: FactSet
    vocabulary: Vocabulary
    batch_size: int

    def batch(self, number: int) -> dict[str, torch.Tensor]:
        generator = torch.Generator().manual_seed(number)
        return self.facts.__getitems__(torch.randint(len(self.facts), (self.batch_size,), generator=generator).tolist())


def batches(size: Size, k: int, batch_size: int) -> Batches:
    task = generate(FULL, seed=0)
    vocabulary = task.vocabulary.with_predictors(max(k, 1), distinct=False)
    return Batches(random_facts(vocabulary, 1, 10) if size.mixed else task.train, vocabulary, batch_size)


def random_vocabulary(size: int) -> Vocabulary:
    """So many tokens, the last of them <mask>, six relation pairs, <pad> and <PRED>."""
    mask = size - 15
    names = {**{f"e{i}": i for i in range(mask)}, "<mask>": mask, "<pad>": size - 2, "<PRED>": size - 1}
    names |= {f"<r_{i // 2}{'_inv' * (i % 2)}>": mask + 1 + i for i in range(12)}
    return Vocabulary(names, tuple(range(mask + 1, mask + 13)), mask, size - 2, (size - 1,))


def random_facts(vocabulary: Vocabulary, shortest: int, longest: int, count: int = 20_000) -> FactSet:
    """Samples between entities of `shortest` to `longest` random tokens, 77 % of type train."""
    generator = torch.Generator().manual_seed(0)

    def entity() -> list[int]:
        length = int(torch.randint(shortest, longest + 1, (), generator=generator))
        return torch.randint(vocabulary.mask_id, (length,), generator=generator).tolist()

    relations = torch.randint(len(vocabulary.relation_ids), (count,), generator=generator).tolist()
    spans = [[entity(), [vocabulary.relation_ids[r]], [vocabulary.mask_id], entity()] for r in relations]
    types = (torch.rand(count, generator=generator) > 0.77).long()
    return FactSet(from_spans(spans, vocabulary.pad_id), types)


def objective(size: Size, k: int, vocabulary: Vocabulary, layout: str, activation: str) -> JepaObjective:
    """The reference composition over a GPT-2 of this size; the same weights for the same size."""
    config = {"n_layer": size.layers, "n_embd": size.width, "n_head": size.heads, "n_positions": 128}
    overrides = [f"model.config.{key}={value}" for key, value in config.items()]
    overrides += [f"model.config.activation_function={activation}", f"objective.k={k}", f"objective.layout={layout}"]
    registry = Registry.discover()
    recipe = load_recipe("cosine_k1", overrides, registry=registry)
    return build_objective(recipe, vocabulary.with_predictors(k, distinct=False), registry).train()
