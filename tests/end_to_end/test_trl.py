"""docs/TRL.md does what it says, in TRL's own trainer."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from jepa_core import DataError
from tests.tiny_lora import pretrained

pytestmark = pytest.mark.skipif(find_spec("trl") is None, reason="the extra 'trl' is not installed")

PAGE = Path(__file__).parents[2] / "docs" / "TRL.md"
TRAINER, LOSS = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)
PAIRS = [{"prompt": "ab" * n, "completion": "c" * (9 - n)} for n in range(1, 9)]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return pretrained(tmp_path_factory.mktemp("trl") / "base")[0]


@pytest.fixture(scope="module")
def trl(base, tmp_path_factory):
    """Trains by the page with changes to its text; gives the trainer, which kept the gradient of its first step."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
    from trl import SFTConfig

    class Keep(TrainerCallback):
        def on_pre_optimizer_step(self, args, state, control, model=None, **kwargs):
            if state.global_step == 0:
                named = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
                Keep.gradient = named

    def train(*changes, loss=LOSS, **settings):
        for old, new in changes:
            assert old in loss
            loss = loss.replace(old, new)
        torch.manual_seed(0)
        settings = {"max_steps": 1, "per_device_train_batch_size": 8, **settings}
        config = SFTConfig(
            str(tmp_path_factory.mktemp("out")), **settings, use_cpu=True, bf16=False, report_to=[], logging_steps=1,
            save_strategy="no", data_seed=1, disable_tqdm=True,
        )  # fmt: skip
        scope = {
            "tokenizer": AutoTokenizer.from_pretrained(base),
            "model": AutoModelForCausalLM.from_pretrained(base),
            "pairs": Dataset.from_list(PAIRS),
            "config": config,
        }
        exec(TRAINER, scope)
        exec(loss.replace("trainer.train()", ""), scope)
        trainer = scope["trainer"]
        trainer.add_callback(Keep())
        trainer.train()
        trainer.gradient = Keep.gradient
        return trainer

    return train


@pytest.fixture(scope="module")
def whole(trl):
    return trl(max_steps=2)


def apart(ours, theirs):
    assert ours.keys() == theirs.keys()
    difference = sum(float((ours[name] - theirs[name]).square().sum()) for name in theirs)
    return (difference / sum(float(each.square().sum()) for each in theirs.values())) ** 0.5


def test_it_is_short():
    lines = [line for line in TRAINER.partition("class ")[2].splitlines() if line.strip()]
    assert len(lines) < 15


def test_both_losses_are_there_and_logged(whole):
    first = whole.state.log_history[0]
    assert first["loss"] == pytest.approx(first["ntp_loss"] + 0.1 * first["jepa_loss"], rel=1e-5)
    assert first["jepa_loss"] > 0.1
    pred = whole.processing_class.convert_tokens_to_ids("<PRED>")
    assert whole.gradient["model.embed_tokens.weight"][pred].abs().max() > 0


@pytest.mark.parametrize("micro_batch", [2, 3])
def test_accumulation_is_one_big_batch(trl, whole, micro_batch):
    parts = trl(per_device_train_batch_size=micro_batch, gradient_accumulation_steps=-(-8 // micro_batch))
    assert apart(parts.gradient, whole.gradient) < 1e-5


def test_without_a_weight_it_is_trls_own_loss(trl):
    ours = trl(("weight=0.1", "weight=0"))
    theirs = trl(("JepaSFTTrainer(", "SFTTrainer("), (", spec=spec)", ")"))
    assert ours.state.log_history[0]["loss"] == pytest.approx(theirs.state.log_history[0]["loss"], rel=1e-5)
    assert apart(ours.gradient, theirs.gradient) < 1e-5


def test_lora_trains_the_predictor_token(trl, monkeypatch):
    adapters = (
        'peft_config=LoraConfig(r=2, target_modules=["q_proj"], trainable_token_indices={"embed_tokens": [pred]})'
    )
    monkeypatch.setitem(
        globals(), "TRAINER", TRAINER.replace("(self.model, spec)", "(self.model.get_base_model(), spec)")
    )
    trainer = trl(("spec=spec)", f"spec=spec, {adapters})"), loss="from peft import LoraConfig\n" + LOSS)
    assert {name.split(".")[-3].strip("0") for name in trainer.gradient} <= {
        "lora_A",
        "lora_B",
        "embed_tokens",
        "token_adapter",
    }
    rows = [value for name, value in trainer.gradient.items() if "token" in name]
    assert len(rows) == 1
    assert rows[0].abs().max() > 0


def test_packing_is_refused(trl):
    with pytest.raises(DataError, match="packed or padding-free"):
        trl(padding_free=True, max_length=None)
