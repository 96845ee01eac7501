"""Layout flat: one stream for all, with the numbers of a packed row, whatever model, mask, branch or window it is."""

from __future__ import annotations

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from jepa_core.errors import ComponentError
from jepa_core.objective.flat import Flat
from jepa_core.samples.samples import Samples
from jepa_core.views.pairs import NewBlock, Views
from jepa_plugins.block_causal_mask import BlockCausalMask
from jepa_plugins.mlp_predictor import MlpPredictor
from tests.core.objective.test_branches import STRATEGIES, Several, compare, outcome
from tests.core.objective.test_concept_composition import concept_model, concept_objective
from tests.families import a_model
from tests.support import small_batch, small_model, small_objective

FAMILIES = {
    "qwen3": {"num_key_value_heads": 2, "head_dim": 8},
    "gemma2": {"attn_logit_softcapping": 0.5},
    "gemma2 windows": {"attn_logit_softcapping": 0.5, "sliding_window": 4},
    "gemma3_text windows": {"sliding_window": 4},
    "mistral windows": {"sliding_window": 4},
    "mixtral": {},
    "opt": {},
}


def both(make, batch=None):
    """The stream against the packed row."""
    compare(*(outcome(make(layout).eval(), batch) for layout in ("flat", "packed")))


@pytest.mark.parametrize("strategy", [None, "several"])
@pytest.mark.parametrize("name", FAMILIES)
def test_of_many_models(name, strategy):
    model = a_model(name.split()[0], **FAMILIES[name])
    options = {"reversal": STRATEGIES[strategy]()} if strategy else {}
    both(lambda layout: small_objective(model, 2, layout=layout, **options))


def test_soft_caps_count():
    """They are there to be seen: without them the loss is another one."""
    losses = []
    for cap in (0.5, None):
        model = a_model("gemma2", attn_logit_softcapping=cap)
        torch.nn.init.normal_(model.model.layers[0].self_attn.q_proj.weight, std=3.0)
        losses.append(float(small_objective(model, layout="flat")(**small_batch()).loss.detach()))
    assert abs(losses[0] - losses[1]) > 1e-4


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@pytest.mark.parametrize(
    "options", [{}, {"ntp_detach": 2}, {"ntp_detach": 2, "recall_temperature": 0.1, "negatives": "bank"}]
)
def test_masks_by_layer_inner_layers_and_recall(kind, options):
    model = concept_model(kind)
    both(lambda layout: concept_objective(model, layout=layout, **options))


class Everything(BlockCausalMask):
    """Shows everything that came before, in all blocks."""

    plain_block_causal = False
    isolates_views = False

    def __call__(self, query, key, layer):
        return torch.ones_like(query.block == key.block)


@pytest.mark.parametrize("strategy", [None, "several"])
def test_a_mask_across_blocks(strategy):
    model = small_model("llama")
    options = {"reversal": STRATEGIES[strategy]()} if strategy else {}
    both(lambda layout: small_objective(model, 2, layout=layout, mask=Everything(), **options))


def test_windows_between_blocks_are_refused():
    objective = small_objective(a_model("mistral", sliding_window=4), layout="flat", mask=Everything())
    with pytest.raises(ComponentError, match="a sliding window of 4 tokens, a sample with its views has 15, and the"):
        objective(**small_batch())


def test_a_window_without_positions_is_refused_for_branches():
    objective = small_objective(
        a_model("mistral", sliding_window=4), 1, layout="flat", positions="none", reversal=Several()
    )
    with pytest.raises(ComponentError, match="no distance from a branch"):
        objective(**small_batch())


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
@pytest.mark.parametrize("strategy", [None, "several"])
def test_without_positions(kind, strategy):
    model = small_model(kind)
    options = {"reversal": STRATEGIES[strategy]()} if strategy else {}
    both(lambda layout: small_objective(model, 2, layout=layout, positions="none", **options))


def test_a_predictor_and_two_terms_of_labels():
    model = small_model()
    torch.manual_seed(0)
    predictor = MlpPredictor(32, 16)
    both(lambda layout: small_objective(model, 2, layout=layout, reversal=Several(), predictor=predictor))


def test_rows_of_like_length_are_padded_where_that_is_cheaper(monkeypatch):
    """Each length for itself, or all together: the same."""
    for cost in (0, 10**6):
        monkeypatch.setattr("jepa_core.objective.one_stream.ATTENTION_CALL", cost)
        for mask in (BlockCausalMask(), Everything()):
            objective = small_objective(small_model(), 1, layout="flat", reversal=Several(), mask=mask)
            groups = objective.plan(small_batch()).arrangement.calls[0].stream.groups
            assert (len(groups) <= 2) == (cost > 0)
            both(
                lambda layout, mask=mask: small_objective(
                    small_model(), 1, layout=layout, reversal=Several(), mask=mask
                )
            )


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_layers_that_run_again_in_the_backward_pass(kind):
    model = small_model(kind)
    expected = outcome(small_objective(model, 2, layout="packed").eval())
    model.gradient_checkpointing_enable()
    compare(outcome(small_objective(model, 2, layout="flat").train()), expected)
    assert model.config._attn_implementation == "sdpa"


def test_nothing_is_padded():
    plan = small_objective(small_model(), 2, layout="flat", reversal=Several()).plan(small_batch())
    assert [call.ids.shape for call in plan.arrangement.calls] == [(1, plan.tokens)]
    assert plan.padded_tokens == plan.tokens


def test_no_sample_at_all():
    objective = small_objective(small_model(), layout="flat")
    nobody = {name: values[:0] for name, values in small_batch().items()}
    assert objective(**nobody).terms == {}


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("bloom", "its layers do not ask transformers' AttentionInterface for their attention"),
        ("mamba", "its layers do not ask transformers' AttentionInterface for their attention"),
        ("gpt_oss", "GptOssAttention asks its attention for s_aux, which a stream's does not do"),
        ("bart", "with other states than out of a row of their own"),
    ],
)
def test_models_that_can_not_are_refused_in_one_line(kind, told):
    with pytest.raises(ComponentError, match="can't run in layout: flat") as refused:
        small_objective(a_model(kind), layout="flat", positions="restart")
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_attention_dropout_is_drawn_in_training_alone():
    model = small_model(attn_pdrop=0.5)
    objective = small_objective(model, layout="flat")

    def loss():
        return float(objective(**small_batch()).loss.detach())

    objective.eval()
    assert loss() == loss()
    objective.train()
    assert loss() != loss()


def test_a_gpu_can_not_drop_attention_weights_out(monkeypatch):
    monkeypatch.setattr(Flat, "on_gpu", True)
    with pytest.raises(ComponentError, match=r"set attn_pdrop: 0 in model\.config"):
        small_objective(small_model(attn_pdrop=0.5), layout="flat")


class Copy:
    """The target is the sample once more."""

    def __call__(self, samples: Samples) -> Views:
        return Views(((NewBlock(samples), NewBlock(samples)),))


class Largest(TorchDispatchMode):
    """The most elements of any tensor that is made."""

    def __init__(self):
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for value in out if isinstance(out, (tuple, list)) else [out]:
            if isinstance(value, torch.Tensor):
                storage = value.untyped_storage().nbytes() // value.element_size()  # what an expanded view takes
                self.elements = max(self.elements, min(value.numel(), storage))
        return out


def largest(layout, length, strategy):
    model = small_model(n_positions=4 * length)
    samples = [([1] * (length // 2), 17, 16, [2] * (length // 2), "train")] * 2
    objective = small_objective(model, 1, layout=layout, reversal=strategy(), filters=[])
    with Largest() as made:
        objective(**small_batch(samples)).loss.backward()
    return made.elements


@pytest.mark.parametrize("strategy", [Copy, STRATEGIES["at the question"]])
def test_memory_grows_with_the_tokens_and_not_with_their_square(strategy):
    """Going from 128 tokens a sample to 512 makes the largest tensor four times as large, in a packed row 16 times."""
    few, many = (largest("flat", length, strategy) for length in (128, 512))
    assert many / few < 4.2
    few, many = (largest("packed", length, strategy) for length in (128, 512))
    assert many / few > 14
