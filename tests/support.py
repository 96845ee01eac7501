"""Small models, facts and objectives that several tests share."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import torch
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig

from jepa_core.objective.objective import JepaObjective
from jepa_core.objective.spec import JepaTerm, ObjectiveSpec
from jepa_plugins.block_causal_mask import BlockCausalMask
from jepa_plugins.cosine_distance import CosineDistance
from jepa_plugins.facts.fact_set import FactSet
from jepa_plugins.facts.parity_reversal import ParityReversal
from jepa_plugins.facts.roles import GROUPS, SampleType, from_spans
from jepa_plugins.facts.vocabulary import Vocabulary
from jepa_plugins.l2_distance import L2Distance
from jepa_plugins.last_token import LastToken
from jepa_plugins.mse_distance import MseDistance
from jepa_plugins.sample_type import SampleTypeFilter

# A small vocabulary: entities 0-15, <mask> 16, relations 17-22 (three pairs), <pad> 23, predictors 24-39.
MASK_ID, FIRST_RELATION, RELATIONS, PAD_ID, VOCAB = 16, 17, 6, 23, 40
PRED_IDS = tuple(range(24, 40))
DISTANCES = {"cosine": CosineDistance, "l2": L2Distance, "mse": MseDistance}

Sample = tuple[list[int], int, int, list[int], str]

#: Entities of one to four tokens, all types.
SAMPLES: list[Sample] = [
    ([1, 2], 17, MASK_ID, [3, 4], "train"),
    ([5], 18, MASK_ID, [6, 7, 8], "atomic"),
    ([9, 10, 11, 12], 20, MASK_ID, [13], "train"),
    ([3, 4], 22, MASK_ID, [1, 2], "train"),
    ([14], 19, MASK_ID, [15], "atomic"),
]


def small_model(kind: str = "gpt2", attention: str = "sdpa", seed: int = 0, **config: Any) -> Any:
    """A two-layer GPT-2 or Llama of width 32 over the small vocabulary, without dropout."""
    torch.manual_seed(seed)
    if kind == "gpt2":
        sizes: dict[str, Any] = {"n_layer": 2, "n_embd": 32, "n_head": 4, "n_positions": 64}
        sizes |= {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
        made: Any = GPT2Config(**{"vocab_size": VOCAB, "bos_token_id": None, "eos_token_id": None, **sizes, **config})
    else:
        sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
        made = LlamaConfig(**{"vocab_size": VOCAB, "max_position_embeddings": 64, **sizes, **config})
    return AutoModelForCausalLM.from_config(made, attn_implementation=attention)


def small_set(samples: list[Sample] = SAMPLES) -> FactSet:
    """The samples as a dataset."""
    facts = from_spans([[h, [r], [m], t] for h, r, m, t, _ in samples], pad_id=PAD_ID)
    return FactSet(facts, torch.tensor([SampleType[s[4].upper()] for s in samples]))


def small_batch(samples: list[Sample] = SAMPLES) -> dict[str, torch.Tensor]:
    return small_set(samples).__getitems__(range(len(samples)))


def small_spec(k: int = 1, distance: Any = None, **options: Any) -> ObjectiveSpec:
    """The reference components over the small vocabulary. options: of the term, or of the whole; embedding: one
    extractor for both sides, or a pair; lambda_jepa: the term's weight; stop_gradient: ``target`` stops it there."""
    if "embedding" in options:
        both = options.pop("embedding")
        source, options["target_embedding"] = both if isinstance(both, tuple) else (both, both)
        options.setdefault("source", source)
    for old, new in (("lambda_jepa", "weight"), ("stop_gradient", "target")):
        if old in options:
            options[new] = options.pop(old)
    if options.get("target") == "target":
        options["target"] = "stopped"
    names = {field.name for field in fields(JepaTerm)} - {"target"}
    term = {name: value for name, value in options.items() if name in names}
    whole = {name: value for name, value in options.items() if name not in {*names, "target_embedding"}}
    parts: dict[str, Any] = {
        "reversal": ParityReversal(FIRST_RELATION, RELATIONS),
        "source": LastToken(),
        "distance": distance or CosineDistance(),
        "filters": (SampleTypeFilter(),),
        **term,
        "target": options.get("target_embedding", LastToken()),
    }
    parts["filters"] = tuple(parts["filters"])
    common: dict[str, Any] = {"mask": BlockCausalMask(), "pred_ids": PRED_IDS[:1] * k, "groups": GROUPS}
    return ObjectiveSpec(terms=(JepaTerm(**parts),), **{**common, **whole})


def small_objective(model: Any, k: int = 1, distance: Any = None, **options: Any) -> JepaObjective:
    """An objective of the reference components over `model`; options as of :func:`small_spec`."""
    return JepaObjective(model, small_spec(k, distance, **options))


def vocabulary(
    tokens: dict[str, int],
    relation_ids: tuple[int, ...],
    mask_id: int,
    pad_id: int,
    pred_ids: tuple[int, ...] = (),
    inverse_ids: tuple[int, ...] = (),
) -> Vocabulary:
    """A vocabulary of facts."""
    return Vocabulary(
        token_to_id=tokens,
        relation_ids=relation_ids,
        mask_id=mask_id,
        pad_id=pad_id,
        pred_ids=pred_ids,
        inverse_ids=inverse_ids,
    )


def gradients(objective: JepaObjective, loss: torch.Tensor) -> dict[str, torch.Tensor]:
    """The gradient of every trained parameter of the model; zeros where none arrives."""
    parameters = {name: p for name, p in objective.model.named_parameters() if p.requires_grad}
    grads = torch.autograd.grad(loss, list(parameters.values()), allow_unused=True)
    return {n: torch.zeros_like(p) if g is None else g for (n, p), g in zip(parameters.items(), grads, strict=True)}


def gradient_error(ours: dict[str, torch.Tensor], theirs: dict[str, torch.Tensor]) -> float:
    """The norm of the difference over the norm of `theirs`, over all parameters together."""
    difference = sum(float((ours[n] - theirs[n]).double().square().sum()) for n in theirs)
    return (difference / sum(float(g.double().square().sum()) for g in theirs.values())) ** 0.5
