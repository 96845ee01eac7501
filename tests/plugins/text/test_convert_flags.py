"""Each flag's effect on the recipe, and the remarks."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

import jepa_core
from jepa_plugins.text.convert_flags import convert
from jepa_plugins.text.public_flags import FLAGS, FlagError
from tests.tiny_lora import pretrained

DOCS = Path(__file__).parents[3] / "docs" / "LLM_JEPA.md"
PLAIN = "python finetune.py --train_file a_train.jsonl"
STP = "python stp.py --train_file a_train.jsonl"
SPANS = f"{STP} --linear random_span"
MASK = f"{STP} --random_span_mask"


def leaves(tree, path="") -> dict[str, object]:
    """Dotted path -> value."""
    if not isinstance(tree, dict):
        return {path: tree}
    return {
        key: value for name, inner in tree.items() for key, value in leaves(inner, f"{path}.{name}".strip(".")).items()
    }


def changed(base: str, more: str) -> dict[str, object]:
    """The recipe's keys that more flags change, by dotted path; None where a key goes."""
    before, after = leaves(convert(base).recipe), leaves(convert(f"{base} {more}").recipe)
    return {key: after.get(key) for key in before | after if before.get(key, ...) != after.get(key, ...)}


def test_the_papers_own_command():
    found = convert(
        "torchrun --nproc_per_node=8 finetune.py --train_file synth_train.jsonl --output_dir=./fine-tuned "
        "--num_epochs=4 --finetune_seed=82 --last_token=-2 --lbd=0.5 --predictors=1 "
        "--model_name=meta-llama/Llama-3.2-1B-Instruct --learning_rate=2e-5"
    )
    assert found.recipe == {
        "seed": 82,
        "output_dir": "fine-tuned",
        "data": {"name": "messages", "train": "synth_train.jsonl", "max_length": 512, "too_long": "truncate_prompt"},
        "model": {"pretrained": "meta-llama/Llama-3.2-1B-Instruct"},
        "objective": {
            "k": 1, "lambda_jepa": 0.5, "gamma_ntp": 1.0,
            "reversal": {"name": "prompt_to_answer", "rendering": "alone", "predictors": "after"},
            "embedding": {"name": "last_token", "offset": 1}, "distance": "cosine", "filters": [],
        },
        "training": {
            "num_train_epochs": 4, "per_device_train_batch_size": 4, "gradient_accumulation_steps": 4,
            "learning_rate": 2e-5, "lr_scheduler_type": "linear", "logging_steps": 10, "bf16": True,
            "gradient_checkpointing": True, "dataloader_drop_last": True,
        },
    }  # fmt: skip
    assert "--nproc_per_node=8" in found.remarks[1]
    assert yaml.safe_load(found.yaml()) == found.recipe
    assert all(line.startswith("# ") for line in found.yaml().split("\n\n")[0].splitlines())


#: Of every flag: a command without it, with it, and what changes.
EFFECTS = {
    "train_file": (PLAIN, "--train_file b.jsonl", {"data.train": "b.jsonl"}),
    "eval_file": (PLAIN, "--eval_file d/a_test.jsonl", {"data.evaluation.a_test": "d/a_test.jsonl"}),
    "data_file": ("finetune.py --data_file a", "--data_file b", {"data.train": "b"}),
    "eval_split": ("finetune.py --data_file a", "--eval_split 0.1", {"data.valid_share": 0.1}),
    "split_seed": ("finetune.py --data_file a", "--split_seed 3", {"data.seed": 3}),
    "model_name": (PLAIN, "--model_name m", {"model.pretrained": "m"}),
    "output_dir": (PLAIN, "--output_dir ./o", {"output_dir": "o"}),
    "max_length": (PLAIN, "--max_length 99", {"data.max_length": 99}),
    "batch_size": (PLAIN, "--batch_size 9", {"training.per_device_train_batch_size": 9}),
    "grad_accum": (PLAIN, "--grad_accum 1", {"training.gradient_accumulation_steps": 1}),
    "learning_rate": (PLAIN, "--learning_rate 1e-4", {"training.learning_rate": 1e-4}),
    "num_epochs": (PLAIN, "--num_epochs 4", {"training.num_train_epochs": 4}),
    "eval_steps": (PLAIN, "--eval_steps 5", {"training.logging_steps": 5}),
    "finetune_seed": (PLAIN, "--finetune_seed 7", {"seed": 7}),
    "lora": (PLAIN, "--lora", {
        "model.lora.r": 16, "model.lora.alpha": 32, "model.lora.dropout": 0.1,
        "model.lora.target_modules": ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
    }),
    "lora_rank": (f"{PLAIN} --lora", "--lora_rank 4", {"model.lora.r": 4, "model.lora.alpha": 8}),
    "predictors": (PLAIN, "--predictors 2", {
        "objective.k": 2, "objective.distinct_pred": True, "objective.reversal.predictors": "after",
    }),
    "lbd": (PLAIN, "--lbd 2", {"objective.lambda_jepa": 2.0}),
    "gamma": (PLAIN, "--gamma 0", {"objective.gamma_ntp": 0.0}),
    "last_token": (PLAIN, "--last_token=-3", {
        "objective.embedding": None, "objective.embedding.name": "last_token", "objective.embedding.offset": 2,
    }),
    "regular": (f"{PLAIN} --jepa_l2", "--regular", {
        "objective.lambda_jepa": 0.0, "objective.reversal.name": None, "objective.reversal.rendering": None,
        "objective.reversal": "prompt_to_answer", "objective.embedding": None, "objective.distance": None,
    }),
    "pretrain": (PLAIN, "--pretrain --model_name m", {
        "model.pretrained": None, "model.config": "m", "data.tokenizer": "m",
    }),
    "train_all": (PLAIN, "--train_all", {"data.train_on": "every_token"}),
    "plain": (PLAIN, "--plain", {"data.template": "plain"}),
    "additive_mask": (PLAIN, "--additive_mask", {}),
    "jepa_ratio": (PLAIN, "--jepa_ratio 0.2", {
        "objective.filters": [{"name": "loss_dropout", "rate": 0.8, "level": "step"}],
    }),
    "jepa_l2": (PLAIN, "--jepa_l2", {"objective.distance": "l2"}),
    "jepa_mse": (PLAIN, "--jepa_mse", {"objective.distance": "mse"}),
    "infonce": (PLAIN, "--infonce", {
        "objective.distance": None, "objective.distance.name": "infonce", "objective.distance.temperature": 0.07,
        "objective.distance.negatives": "batch",
    }),
    "front_pred": (f"{PLAIN} --predictors 1", "--front_pred", {"objective.reversal.predictors": "before"}),
    "reverse_pred": (PLAIN, "--reverse_pred", {"objective.reversal.reverse": True}),
    "track_flop": (PLAIN, "--track_flop", {}),
    "same_flop": (f"{PLAIN} --num_epochs 4", "--same_flop", {"training.num_train_epochs": 2}),
    "debug": (PLAIN, "--debug 5", {}),
    "linear": (STP, "--linear random_span", {
        "objective.reversal.name": "random_spans", "objective.reversal.through": "contents",
        "objective.reversal.draw": "start_first", "objective.reversal.rendering": None,
        "objective.embedding": "displacement",
    }),
    "linear_predictor": (SPANS, "--linear_predictor", {"objective.predictor": "linear"}),
    "load_lp": (f"{SPANS} --linear_predictor", "--load_lp", {}),
    "lbd_warmup": (SPANS, "--lbd_warmup", {
        "objective.lambda_jepa": None, "objective.lambda_jepa.start": 0.0, "objective.lambda_jepa.end": 0.1,
        "objective.lambda_jepa.steps": 1000,
    }),
    "min_lbd": (f"{SPANS} --lbd_warmup", "--min_lbd 0.01", {"objective.lambda_jepa.start": 0.01}),
    "length_adjustment": (SPANS, "--length_adjustment jaccard_like", {"objective.reversal.weight": "jaccard_like"}),
    "random_span_zero": (SPANS, "--random_span_zero", {"objective.reversal.from_start": True}),
    "random_span_e2e": (SPANS, "--random_span_e2e", {"objective.reversal.through": "end_to_end"}),
    "random_span_all": (SPANS, "--random_span_all", {"objective.reversal.through": "prompt"}),
    "random_span_mask": (STP, "--random_span_mask", {
        "objective.reversal.name": "masked_span", "objective.reversal.target": "span",
        "objective.reversal.through": "contents", "objective.reversal.draw": "start_first",
        "objective.reversal.rendering": None,
    }),
    "random_span_mask_recover": (MASK, "--random_span_mask_recover", {"objective.reversal.target": "conversation"}),
    "random_span_max_length": (SPANS, "--random_span_max_length 8", {"objective.reversal.max_length": 8}),
    "random_span_times": (SPANS, "--random_span_times 4", {"objective.reversal.spans": 4}),
    "random_span_draw_both": (SPANS, "--random_span_draw_both", {"objective.reversal.draw": "both"}),
    "random_span_uniform": (SPANS, "--random_span_uniform", {"objective.reversal.draw": "uniform"}),
    "random_span_layer": (SPANS, "--random_span_layer 8", {
        "objective.embedding": None, "objective.embedding.name": "displacement", "objective.embedding.layer": 8,
    }),
    "curvature_sign": (f"{STP} --linear curvature", "--curvature_sign", {}),
    "plain_jepa": (STP, "--plain_jepa", {
        "objective.reversal.name": "contents", "objective.reversal.apart": True, "objective.reversal.rendering": None,
    }),
    "same_predictor": (f"{STP} --predictors 3", "--same_predictor", {"objective.distinct_pred": None}),
    "avg_encoding": (STP, "--avg_encoding", {"objective.embedding": "mean"}),
    "constant_lr": (STP, "--constant_lr", {"training.lr_scheduler_type": "constant"}),
    "enable_save": (STP, "--enable_save", {"training.save_steps": None}),
}  # fmt: skip


@pytest.mark.parametrize("flag", [flag.name for flag in FLAGS])
def test_what_a_flag_changes(flag):
    base, more, expected = EFFECTS[flag]
    assert changed(base, more) == expected
    if not expected:
        assert f"--{flag}" in " ".join(convert(f"{base} {more}").remarks), "what has no key is told"


def test_there_is_a_baseline_for_save_steps():
    assert convert(STP).recipe["training"]["save_steps"] is None
    assert "save_steps" not in convert(PLAIN).recipe["training"]


@pytest.mark.parametrize(
    ("linear", "reversal", "embedding", "distance"),
    [
        ("e2e", "contents", "displacement", "cosine"),
        ("mean", "contents", "mean", "cosine"),
        ("curvature", {"name": "tube", "neighbours": True}, "difference", "angle"),
    ],
)
def test_other_linear_modes(linear, reversal, embedding, distance):
    objective = convert(f"{STP} --linear {linear}").recipe["objective"]
    assert (objective["reversal"], objective["embedding"], objective["distance"]) == (reversal, embedding, distance)


def test_flags_together():
    objective = convert(f"{SPANS} --random_span_all --random_span_e2e --predictors 3 --jepa_mse").recipe["objective"]
    assert (objective["reversal"]["through"], objective["k"], objective["distance"]) == ("all", 0, "mse")
    uniform = f"{SPANS} --random_span_uniform"
    assert changed(uniform, "--random_span_zero --random_span_max_length 5") == {}
    assert convert(f"{PLAIN} --jepa_ratio 3").recipe["objective"]["filters"][0]["rate"] == 0
    epochs = f"{PLAIN} --num_epochs 5 --same_flop"
    for more, expected in (("", 2), ("--additive_mask", 3), ("--regular", 5), ("--jepa_ratio 0.25", 4)):
        assert convert(f"{epochs} {more}").recipe["training"]["num_train_epochs"] == expected


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("python finetune.py --lbd 1", "give either --train_file or --data_file"),
        (f"{PLAIN} --data_file b", "give either --train_file or --data_file"),
        (f"{PLAIN} --jepa_l2 --infonce", "--jepa_l2 and --infonce: a recipe has one distance"),
        (f"{SPANS} --avg_encoding", "leave out --avg_encoding"),
        (f"{SPANS} --jepa_l2", "with --jepa_mse only"),
        (f"{SPANS} --random_span_uniform --random_span_draw_both", "two ways to draw"),
        (f"{PLAIN} --predictors 11", "0 to 10"),
        (f"{PLAIN} --last_token 0", "-1 is the last"),
    ],
)
def test_what_has_no_recipe(command, message):
    with pytest.raises(FlagError, match=message):
        convert(command)


def rows() -> dict[str, str]:
    """Flag -> key, from the table in the docs."""
    section = DOCS.read_text(encoding="utf-8").split("\n## ")[1]
    return dict(re.findall(r"^\| `--(\w+)` \| (.+?) \|", section, re.M))


def test_the_docs_have_a_row_for_each_flag_in_order():
    assert list(rows()) == [flag.name for flag in FLAGS]


@pytest.mark.parametrize("flag", [flag.name for flag in FLAGS])
def test_the_docs_name_the_keys_that_change(flag):
    _, _, expected = EFFECTS[flag]
    gone = {"objective.reversal"} if flag == "regular" else set()  # it stands for a default
    gone |= {key for key, value in expected.items() if value is None and flag != "enable_save"}
    for key in expected.keys() - gone:
        named = re.findall(r"`([\w.]+)[^`]*`", rows()[flag])
        assert any(key == name or key.startswith(f"{name}.") for name in named), (key, named)


@pytest.mark.parametrize(
    "command",
    [
        PLAIN,
        f"{PLAIN} --predictors 2 --reverse_pred --front_pred --jepa_mse --jepa_ratio 0.5 --last_token=-3",
        f"{PLAIN} --regular",
        f"{PLAIN} --infonce --plain --train_all",
        f"{SPANS} --length_adjustment cosine_like --random_span_times 2 --random_span_layer 4 --linear_predictor",
        f"{SPANS} --random_span_e2e --random_span_all --random_span_uniform --lbd_warmup",
        f"{STP} --linear e2e",
        f"{STP} --linear mean --random_span_layer 3",
        f"{STP} --linear curvature",
        f"{STP} --plain_jepa --same_predictor --predictors 3 --avg_encoding --constant_lr",
        f"{MASK} --random_span_mask_recover --random_span_max_length 9",
        "finetune.py --data_file a.jsonl --eval_split 0.1",
    ],
)
def test_the_recipe_is_one(command, tmp_path):
    """Known keys and components, and values that these take."""
    (tmp_path / "converted.yaml").write_text(convert(command).yaml())
    jepa_core.load_recipe(tmp_path / "converted.yaml")


@pytest.mark.parametrize(
    ("more", "trained"),
    [("", None), ("--pretrain", None), ("--regular --pretrain", None), ("--lora --lora_rank 2", 2 * 7 * 2 + 2)],
)
def test_the_recipe_builds_over_a_model_of_that_name(more, trained, tmp_path):
    """Adapters: two matrices for each of seven in two layers, and the predictor token's rows in both embeddings."""
    base, known = pretrained(tmp_path / "base")
    (tmp_path / "a_train.jsonl").write_text(
        '{"messages": [{"role": "user", "content": "ab"}, {"role": "assistant", "content": "c"}]}\n' * 4
    )
    command = f"python finetune.py --train_file {tmp_path}/a_train.jsonl --model_name {base} --predictors 1 {more}"
    (tmp_path / "made.yaml").write_text(convert(command).yaml())
    overrides = ["training.bf16=false", f"output_dir={tmp_path / 'run'}"]
    model = jepa_core.build(jepa_core.load_recipe(tmp_path / "made.yaml", overrides), device="cpu").objective.model
    assert model.config.vocab_size == known + ("--regular" not in more)
    assert (len(model.model.layers), model.config.max_position_embeddings) == (2, 64)
    parameters = list(model.parameters())
    assert sum(p.requires_grad for p in parameters) == (trained or len(parameters))
