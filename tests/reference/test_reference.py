"""The references against figures worked out by hand, the models' own arithmetic, and wrong variants."""

from __future__ import annotations

import math

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM

from . import naive_objective as naive
from .naive_metrics import TokenResult, naive_metrics, rank, summary
from .naive_objective import fact_ids, naive_distance, naive_gradients, naive_loss, packed_row, pair_states

GPT2 = {"model_type": "gpt2", "n_layer": 2, "n_embd": 16, "n_head": 2, "n_positions": 32}
SIZES = {"num_hidden_layers": 2, "hidden_size": 16, "intermediate_size": 32}
LLAMA = {"model_type": "llama", "num_attention_heads": 2, "num_key_value_heads": 1, **SIZES}
SHARED = {"first_relation_id": 21, "num_relations": 4, "pad_id": 25, "pred_ids": [26], "distance": "cosine"}
TRAIN = ([1, 2], 21, 20, [3, 4], "train")
LONG = ([5], 24, 20, [6, 7, 8], "train")
ATOMIC = ([9, 10], 22, 20, [11], "atomic")
SAMPLES = [TRAIN, ATOMIC, LONG]
GOLDEN_MASK = """
    1............
    11...........
    111..........
    1111.........
    11111........
    111111.......
    1111111......
    .......1.....
    .......11....
    .......111...
    .......1111..
    .......11111.
    .......111111
"""


def make_model(config=GPT2, attention="sdpa"):
    torch.manual_seed(0)
    made = AutoConfig.for_model(**config, vocab_size=28)
    model = AutoModelForCausalLM.from_config(made, attn_implementation=attention).eval()
    with torch.no_grad():  # the default initialisation is too small for a leak to show
        for weight in model.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    return model


def sign_model():
    """Two tokens, no attention: token 0 ends as (1, −1), token 1 as (−1, 1); logits are dot products."""
    config = AutoConfig.for_model("gpt2", vocab_size=2, n_layer=1, n_embd=2, n_head=1, layer_norm_epsilon=0.0)
    model = AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0 if name == "transformer.ln_f.weight" else 0.0)
        model.transformer.wte.weight.copy_(torch.tensor([[1.0, -1.0], [-1.0, 1.0]]))
    return model


def test_golden_row():
    fact = ([10, 11], 16001, 16000, [12, 13], "train")
    row = packed_row([*fact_ids(fact), 16014], naive.reversed_ids(fact, 16001, 12))
    assert row.ids == [10, 11, 16001, 16000, 12, 13, 16014, 12, 13, 16002, 16000, 10, 11]
    assert row.positions == list(range(13))
    assert (row.predicted, row.target) == (6, 12)
    assert row.visible == [[cell == "1" for cell in line] for line in GOLDEN_MASK.split()]
    assert packed_row([1, 2, 3], [4, 5], "restart").positions == [0, 1, 2, 0, 1]
    assert packed_row([1, 2, 3], [4, 5], "none").positions == [0] * 5


def test_parity_follows_the_first_id():
    assert [naive.inverse_relation(r, 16001, 4) for r in range(16001, 16005)] == [16002, 16001, 16004, 16003]
    assert [naive.inverse_relation(r, 16000, 4) for r in range(16000, 16004)] == [16001, 16000, 16003, 16002]
    with pytest.raises(ValueError, match="16005"):
        naive.inverse_relation(16005, 16001, 4)


@pytest.mark.parametrize(("distance", "apart"), [("cosine", 2.0), ("l2", math.sqrt(8)), ("mse", 4.0)])
def test_two_token_vocabulary_on_paper(distance, apart):
    """Each token foretells itself with logit 2 against −2. PRED is 0: its state is (1, −1)."""
    shared = {"first_relation_id": 0, "num_relations": 2, "pad_id": 9, "pred_ids": [0], "k": 1}
    samples = [([1], 0, 1, [1, 0], "train"), ([0], 1, 0, [0], "train"), ([1], 0, 1, [1], "atomic")]
    right, wrong = math.log1p(math.exp(-4)), math.log1p(math.exp(4))
    out = naive_loss(sign_model(), samples, distance=distance, lambda_jepa=2.0, gamma_ntp=0.5, **shared)
    assert out.ntp_loss.item() == pytest.approx((3 * right + wrong) / 4)
    assert (out.jepa_loss.item(), out.jepa_pairs) == (pytest.approx((apart + 0) / 2, abs=1e-6), 2)
    assert out.loss.item() == pytest.approx(0.5 * out.ntp_loss.item() + 2 * out.jepa_loss.item())
    step = naive_loss(sign_model(), samples, distance=distance, ntp_count=8, jepa_count=10, **shared)
    assert step.ntp_loss.item() == pytest.approx((3 * right + wrong) / 8)
    assert (step.jepa_loss.item(), step.jepa_pairs) == (pytest.approx(apart / 10), 2)

    expected = {
        "num_samples": 3, "ntp_loss": (3 * right + wrong) / 4, "mrr": (0.75 + 1 + 1) / 3, "mrr_token1": 1,
        "mrr_token2": 0.5, "joint_accuracy": 2 / 3, "joint_log_likelihood": -(3 * right + wrong) / 3,
        "hits@1": 2.5 / 3, "hits@3": 1, "hits@10": 1,
    }  # fmt: skip
    assert naive_metrics(sign_model(), samples) == pytest.approx(expected)


def test_ties_count_half():
    assert [rank([1.0, 3.0, 1.0, 0.0, 1.0], token) for token in range(5)] == [3, 1, 3, 5, 3]
    assert summary([[TokenResult(1.5, 0.0)]])["joint_accuracy"] == 0
    assert summary([])["mrr"] is None


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
@pytest.mark.parametrize("config", [GPT2, LLAMA], ids=["gpt2", "llama"])
@pytest.mark.parametrize("positions", ["continue", "restart", "none"])
def test_each_block_is_as_if_alone(config, attention, positions):
    """The packed row against a pass for each block, and the LM pass against the model's own loss."""
    model, n = make_model(config, attention=attention), 7
    first, second = [*fact_ids(LONG), 26], naive.reversed_ids(LONG, 21, 4)
    row = packed_row(first, second, positions)
    alone = [
        naive.forward(model, ids, where, naive.causal(len(ids))).hidden_states[-1][0, -1]
        for ids, where in ((first, row.positions[:n]), (second, row.positions[n:]))
    ]
    for state, expected in zip(pair_states(model, row), alone, strict=True):
        torch.testing.assert_close(state, expected, rtol=0, atol=1e-5)
    if positions != "none":
        ids, labels = torch.tensor([fact_ids(LONG)]), torch.tensor([[-100] * 3 + [6, 7, 8]])
        found = naive_loss(model, [LONG], k=1, positions=positions, **SHARED).ntp_loss
        torch.testing.assert_close(found, model(input_ids=ids, labels=labels).loss, rtol=0, atol=1e-5)


@pytest.mark.parametrize("config", [GPT2, LLAMA], ids=["gpt2", "llama"])
def test_wrong_variants_differ(config):
    model = make_model(config)
    right = naive_loss(model, [TRAIN], k=1, **SHARED)
    leaky = naive_loss(model, [TRAIN], k=1, mask=lambda first, second: naive.causal(first + second), **SHARED)
    row = packed_row([*fact_ids(TRAIN), 26], naive.reversed_ids(TRAIN, 21, 4))
    assert naive_distance("cosine", *pair_states(model, row)).item() == pytest.approx(right.jepa_loss.item())
    for moved in (row._replace(predicted=row.predicted - 1), row._replace(target=row.target - 1)):
        assert abs(naive_distance("cosine", *pair_states(model, moved)) - right.jepa_loss) > 1e-3
    assert abs(leaky.jepa_loss - right.jepa_loss) > 1e-3
    assert leaky.ntp_loss == right.ntp_loss


def test_predictor_tokens():
    """k = 0 reads the fact's last token; k copies and k different tokens are different rows."""
    model = make_model()
    none = naive_loss(model, [TRAIN], k=0, **SHARED).jepa_loss
    row = packed_row(fact_ids(TRAIN), naive.reversed_ids(TRAIN, 21, 4))
    assert (row.predicted, row.target) == (5, 11)
    assert torch.equal(naive_distance("cosine", *pair_states(model, row)), none)
    copies = naive_loss(model, [TRAIN], k=2, **SHARED).jepa_loss
    different = naive_loss(model, [TRAIN], k=2, **{**SHARED, "pred_ids": [26, 27]}).jepa_loss
    assert len({none.item(), copies.item(), different.item()}) == 3


def test_what_counts():
    model = make_model()
    pairs = [naive_loss(model, [sample], k=1, **SHARED).jepa_loss.item() for sample in (TRAIN, LONG)]
    both = naive_loss(model, SAMPLES, k=1, **SHARED)
    assert (both.jepa_loss.item(), both.jepa_pairs) == (pytest.approx(sum(pairs) / 2), 2)
    assert naive_loss(model, SAMPLES, k=1, dropped={0}, **SHARED).jepa_loss.item() == pytest.approx(pairs[1])
    assert naive_loss(model, SAMPLES, k=1, keep_types=("train", "atomic"), **SHARED).jepa_pairs == 3


@pytest.mark.parametrize("nothing", [{"keep_types": ()}, {"dropped": {0, 1, 2}}, {"lambda_jepa": 0.0}])
def test_nothing_to_pair(nothing):
    out = naive_loss(make_model(), SAMPLES, k=1, jepa_count=5, **SHARED, **nothing)
    assert (out.jepa_loss, out.jepa_pairs) == (None, 0)
    assert torch.equal(out.loss, out.ntp_loss)
    assert naive_loss(make_model(), [], k=1, **SHARED, **nothing) == (None, None, None, 0)


def test_gradients_flow_into_both_sides_unless_stopped():
    model = make_model()
    sides = {}
    for stop in ("none", "target", "source"):
        _, found = naive_gradients(model, [TRAIN], k=1, gamma_ntp=0.0, stop_gradient=stop, **SHARED)
        sides[stop] = found["transformer.wte.weight"]
    assert sides["target"][26].any(), "PRED is on the predicting side only"
    assert not sides["source"][26].any()
    torch.testing.assert_close(sides["none"], sides["target"] + sides["source"], rtol=0, atol=1e-6)


@pytest.mark.parametrize("config", [GPT2, LLAMA], ids=["gpt2", "llama"])
def test_last_layer_is_the_models_own_and_others_are_not(config):
    model = make_model(config)
    norm = model.transformer.ln_f if config is GPT2 else model.model.norm
    parts = {"final_norm": norm, "lm_head": model.lm_head}
    own = naive_metrics(model, SAMPLES)
    for last in (2, -1):
        assert naive_metrics(model, SAMPLES, layer=last, **parts) == pytest.approx(own, abs=1e-5)
    assert abs(naive_metrics(model, SAMPLES, layer=1, **parts)["ntp_loss"] - own["ntp_loss"]) > 1e-3


def test_no_positions_is_position_zero_everywhere():
    """Found in two ways: with zero ids, and with every row of the position table equal to the first."""
    model = make_model()
    loss = naive_loss(model, SAMPLES, k=1, positions="none", **SHARED)
    assert naive_metrics(model, SAMPLES, positions="none")["ntp_loss"] == pytest.approx(loss.ntp_loss.item())
    assert abs(naive_loss(model, SAMPLES, k=1, **SHARED).ntp_loss - loss.ntp_loss) > 1e-3
    with torch.no_grad():
        model.transformer.wpe.weight[:] = model.transformer.wpe.weight[0].clone()
    assert naive_loss(model, SAMPLES, k=1, **SHARED).loss.item() == pytest.approx(loss.loss.item(), abs=1e-5)
