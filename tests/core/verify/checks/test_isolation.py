"""Views that see each other, by mistake or on purpose."""

from __future__ import annotations

import torch

from jepa_core.verify.checks.isolation import COLUMNS, ROUNDING, isolation
from jepa_core.verify.context import mode
from jepa_core.verify.perturb import measure
from jepa_core.verify.row import Verdict
from jepa_plugins.facts.concept_isolating_mask import ConceptIsolatingMask
from jepa_plugins.facts.question_to_entity import QuestionToEntity
from jepa_plugins.facts.roles import Role
from jepa_plugins.last_token import LastToken
from tests.core.verify.breaking import Unusual, red, tiny

CHECK = "one forward pass"
LEAK = (CHECK, "change block 0: block 1 stays")


class Leaking(Unusual):
    def __call__(self, query, key, layer):
        return torch.ones_like(query.block == key.block)


def test_a_mask_that_leaks():
    assert red(tiny(mask=Leaking())) == {LEAK}


def test_a_mask_that_says_that_it_leaks():
    class Declared(Leaking):
        isolates_views = False

    context = tiny(mask=Declared())
    assert red(context) == set()
    (row,) = [row for row in isolation(context) if row.name == LEAK[1]]
    assert row.verdict is Verdict.NA
    assert row.figure > 0
    assert row.evidence.startswith("Declared declares isolates_views = False; largest movement")


def test_a_target_that_has_seen_the_question():
    """The tail, in the fact's own row under plain causal layers: a warning. As a block of its own: none."""
    line = (CHECK, "the target does not see the source")
    assert line in red(tiny(reversal=QuestionToEntity(), pred_ids=()), Verdict.WARN)
    assert line not in red(tiny(reversal=QuestionToEntity(apart=True), pred_ids=()), Verdict.WARN)


def test_a_target_that_has_not():
    """Isolated layers up to the one where the target is read."""
    parts = {"mask": ConceptIsolatingMask(1, 2), "embedding": (LastToken(tag=Role.MASK), LastToken(layer=1))}
    dropout = [f"model.config.{where}_pdrop=0.1" for where in ("resid", "embd", "attn")]
    rows = isolation(tiny(*dropout, reversal=QuestionToEntity(), pred_ids=(), **parts))
    (row,) = [row for row in rows if row.name == "the target does not see the source"]
    assert (row.verdict, row.figure) == (Verdict.PASS, 0)


def test_a_leak_in_one_layer_only():
    class OneLayer(Leaking):
        by_layer = True

        def __call__(self, query, key, layer):
            return (query.block == key.block) | torch.tensor(layer == 1)

    assert red(tiny(mask=OneLayer())) == {LEAK}


def test_a_model_that_looks_ahead():
    """The fault comes after the model was built and found causal: each token gets a little of the next one."""

    def look_ahead(model):
        def mix(module, args, out):
            return out + 0.1 * out.roll(-1, dims=1)

        model.base_model.ln_f.register_forward_hook(mix)

    found = red(tiny(model=look_ahead, mask=Unusual()))
    assert (CHECK, "no token sees a later one") in found
    assert (CHECK, "samples don't see each other") not in found


def test_a_model_that_mixes_the_batch():
    def mix(model):
        model.base_model.ln_f.register_forward_hook(lambda module, args, out: out + 0.1 * out.mean(dim=0, keepdim=True))

    found = red(tiny(model=mix, mask=Unusual()))
    assert (CHECK, "samples don't see each other") in found


def test_a_model_that_sees_nothing_proves_nothing():
    def freeze(model):
        with torch.no_grad():
            model.base_model.wte.weight.zero_()

    found = {row.name: row for row in isolation(tiny(model=freeze))}
    assert found["a changed token itself moves"].verdict is Verdict.FAIL
    assert found["a changed token itself moves"].figure == 0


def test_padding_has_a_line_where_lengths_differ():
    """Names of one and of two tokens in one batch."""
    context = tiny()
    rows = {row.name: row.verdict for row in isolation(context)}
    assert rows["padding changes nothing"] is Verdict.NA
    train = context.run.train_dataset
    longer = {key: torch.nn.functional.pad(value, (0, 2)) for key, value in train[0].items() if value.dim()}
    longer["labels"][4:] = -100
    few = [train[0] | longer, train[1]]
    context.few = context.run.collate(few)
    rows = {row.name: row.verdict for row in isolation(context)}
    assert rows["padding changes nothing"] is Verdict.PASS


def test_rounding_of_a_mixture_of_experts_is_no_leak():
    """Tokens that share an expert change the last bits of each other, and none in double precision."""
    sizes = "hidden_size: 64, intermediate_size: 64, num_hidden_layers: 2, num_attention_heads: 4"
    experts = "num_key_value_heads: 2, head_dim: 8, num_experts: 8, num_experts_per_tok: 2, moe_intermediate_size: 64"
    context = tiny(f"model.config={{model_type: qwen3_moe, {sizes}, {experts}}}")
    objective = context.objective
    with mode(objective, filters=False):
        assert 0 < max(measure(objective, objective.plan(context.few), COLUMNS).of_others()) < ROUNDING
    assert red(context) == set()
    assert objective.model.dtype == torch.float32
