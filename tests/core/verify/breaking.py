"""A tiny real run, what to break in it, and which lines of its verification turn red."""

from __future__ import annotations

from dataclasses import fields, replace
from functools import cache
from typing import Any

import jepa_core
from jepa_core.objective.spec import JepaTerm, ObjectiveSpec
from jepa_core.registry import Registry
from jepa_core.verify.context import Context
from jepa_core.verify.row import Verdict
from jepa_core.verify.verify import Verification, verify
from jepa_plugins.block_causal_mask import BlockCausalMask

TINY = [
    "data.entities_both_ways=20",
    "data.entities_one_way=10",
    "data.relation_pairs=2",
    "data.name_multiplicity=null",
    "model.config.n_embd=32",
    "model.config.n_layer=2",
    "training.per_device_train_batch_size=16",
]


@cache
def registry() -> Registry:
    return Registry.discover()


def tiny(*overrides: str, kind: Any = None, model: Any = None, **parts: Any) -> Context:
    """The run of a tiny recipe. parts: of the spec, or of its term, in place of the recipe's; kind: a class of
    objective; model: changes the model in place."""
    recipe = jepa_core.load_recipe("cosine_k1", overrides=[*TINY, *overrides], registry=registry())
    run = jepa_core.build(recipe, registry())
    old = run.objective
    if model is not None:
        model(old.model)
    if kind or parts:
        old.close()
        run.objective = (kind or type(old))(old.model, changed(old.spec, **parts))
    return Context(run, registry())


def changed(spec: ObjectiveSpec, **parts: Any) -> ObjectiveSpec:
    """The spec with these in place of its own, or of its first term's. embedding: the extractor of both sides, or a pair."""
    if "embedding" in parts:
        both = parts.pop("embedding")
        parts["source"], parts["target"] = both if isinstance(both, tuple) else (both, both)
    names = {field.name for field in fields(JepaTerm)}
    of_term = {name: value for name, value in parts.items() if name in names}
    whole = {name: value for name, value in parts.items() if name not in names}
    return replace(spec, terms=(replace(spec.terms[0], **of_term), *spec.terms[1:]), **whole)


class Unusual(BlockCausalMask):
    """The same mask, which does not say how plain it is: packed is the only layout for it."""

    plain_block_causal = False


def red(context: Context, verdict: Verdict = Verdict.FAIL) -> set[tuple[str, str]]:
    """(check, line) of all lines of this verdict, of all checks."""
    return lines(verify(context), verdict)


def lines(found: Verification, verdict: Verdict) -> set[tuple[str, str]]:
    return {(row.check, row.name) for row in found.rows if row.verdict is verdict}
