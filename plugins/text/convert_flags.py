"""Converts a command line of the public code of LLM-JEPA and STP to a recipe, with remarks on differences."""

from __future__ import annotations

import math
from argparse import Namespace
from dataclasses import dataclass
from pathlib import PurePath
from textwrap import wrap
from typing import Any

import yaml

from jepa_plugins.text.public_flags import STP, Command, FlagError, parse_command
from jepa_plugins.text.public_remarks import remarks

#: The matrices that the public code's LoRA adapts.
LORA_TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
#: Steps of a schedule, until the reader sets them.
STEPS = 1000
Section = dict[str, Any]
#: Next-token prediction alone, on the same code path; no view is made. The public --regular ignores --gamma.
BASELINE: Section = {"k": 0, "lambda_jepa": 0.0, "gamma_ntp": 1.0, "reversal": "prompt_to_answer", "filters": []}


@dataclass(frozen=True)
class Converted:
    """recipe: its sections, as in a file; remarks: sentences on differences from the command's effect there."""

    recipe: Section
    remarks: tuple[str, ...]

    def yaml(self) -> str:
        """The recipe as a file, remarks as comments above it."""
        lines = [line for remark in self.remarks for line in wrap(remark, 112, subsequent_indent="  ")]
        comments = "".join(f"# {line}\n" for line in lines)
        return f"{comments}\n{yaml.safe_dump(self.recipe, sort_keys=False, default_flow_style=None, width=110)}"


def convert(command: str) -> Converted:
    """Makes a recipe of the same meaning. Raises FlagError for a command that the public code refuses or misreads."""
    parsed = parse_command(command)
    flags = parsed.flags
    _check(parsed)
    recipe = {
        "seed": flags.finetune_seed,
        "output_dir": flags.output_dir.removeprefix("./"),
        "data": _data(flags),
        "model": _model(flags),
        "objective": dict(BASELINE) if flags.regular else _objective(flags),
        "training": _training(flags, parsed.script),
    }
    return Converted(recipe, tuple(remarks(parsed)))


def _check(command: Command) -> None:
    """Raises FlagError for flags that the public code refuses at its start, or accepts without the expected effect."""
    flags = command.flags
    if bool(flags.train_file) == bool(flags.data_file):
        raise FlagError(f"{command.script}: give either --train_file or --data_file")
    distances = [name for name in ("jepa_l2", "jepa_mse", "infonce") if getattr(flags, name)]
    if len(distances) > 1:
        raise FlagError(f"{command.script}: --{' and --'.join(distances)}: a recipe has one distance")
    of_rows = [name for name in ("additive_mask", "avg_encoding", "random_span_mask") if getattr(flags, name)]
    if flags.linear and of_rows:
        raise FlagError(f"{command.script}: --linear makes no second rows: leave out --{' and --'.join(of_rows)}")
    if flags.linear and (flags.jepa_l2 or flags.infonce):
        raise FlagError(f"{command.script}: --linear goes with the cosine and with --jepa_mse only")
    if flags.random_span_draw_both and flags.random_span_uniform:
        raise FlagError(f"{command.script}: --random_span_draw_both and --random_span_uniform are two ways to draw")
    if flags.last_token >= 0:
        raise FlagError(f"{command.script}: --last_token counts from the end: -1 is the last")
    if not 0 <= flags.predictors <= 10:
        raise FlagError(f"{command.script}: --predictors: there are 0 to 10 of them")


def _data(flags: Namespace) -> Section:
    data: Section = {"name": "messages", "train": flags.train_file or flags.data_file}
    if flags.eval_file:
        data["evaluation"] = {PurePath(flags.eval_file).stem: flags.eval_file}
    if flags.data_file and flags.eval_split > 0:
        data |= {"valid_share": flags.eval_split, "seed": flags.split_seed}
    data |= {"max_length": flags.max_length, "too_long": "truncate_prompt"}
    if flags.plain:
        data["template"] = "plain"
    if flags.train_all:
        data["train_on"] = "every_token"
    if flags.pretrain:
        data["tokenizer"] = flags.model_name
    return data


def _model(flags: Namespace) -> Section:
    model: Section = {"config" if flags.pretrain else "pretrained": flags.model_name}
    if flags.lora:
        rank = flags.lora_rank
        model["lora"] = {"r": rank, "alpha": 2 * rank, "dropout": 0.1, "target_modules": list(LORA_TARGETS)}
    return model


def _objective(flags: Namespace) -> Section:
    own_views = flags.linear is None and not flags.random_span_mask  # user and assistant turns
    objective: Section = {"k": flags.predictors if own_views else 0}
    if objective["k"] > 1 and not flags.same_predictor:
        objective["distinct_pred"] = True
    objective |= {
        "lambda_jepa": _weight(flags),
        "gamma_ntp": flags.gamma,
        "reversal": _views(flags),
        "embedding": _embedding(flags),
    }
    if flags.linear_predictor:
        objective["predictor"] = "linear"
    return objective | {"distance": _distance(flags), "filters": _filters(flags)}


def _weight(flags: Namespace) -> Section | float:
    """The weight, or with --lbd_warmup a line over all steps, whose number depends on the data."""
    if not flags.lbd_warmup:
        return float(flags.lbd)
    return {"start": flags.min_lbd, "end": flags.lbd, "steps": STEPS}


def _views(flags: Namespace) -> Section | str:
    if flags.random_span_mask:
        target = "conversation" if flags.random_span_mask_recover else "span"
        return {"name": "masked_span", "target": target, **_span_options(flags)}
    if flags.linear == "random_span":
        weight = {"weight": flags.length_adjustment} if flags.length_adjustment else {}
        return {"name": "random_spans", **_span_options(flags), **weight}
    if flags.linear == "curvature":
        return {"name": "tube", "neighbours": True}
    if flags.linear:
        return "contents"
    views: Section = {"name": "prompt_to_answer", "rendering": "alone"}
    if flags.plain_jepa:
        views = {"name": "contents", "apart": True}
    if flags.reverse_pred:
        views["reverse"] = True
    if flags.predictors:
        views["predictors"] = "before" if flags.front_pred else "after"
    return views


def _span_options(flags: Namespace) -> Section:
    """The options for the place and the draw of spans; others only where their flag is set."""
    through = {
        (False, False): "contents",
        (True, False): "end_to_end",
        (False, True): "prompt",
        (True, True): "all",
    }[flags.random_span_e2e, flags.random_span_all]
    draw = "both" if flags.random_span_draw_both else "uniform" if flags.random_span_uniform else "start_first"
    options: Section = {"through": through, "draw": draw}
    bounded = not flags.random_span_uniform  # their uniform draw knows neither
    if flags.random_span_zero and bounded:
        options["from_start"] = True
    if flags.random_span_max_length >= 0 and bounded:
        options["max_length"] = flags.random_span_max_length
    if flags.random_span_times > 1 and not flags.random_span_mask:
        options["spans"] = flags.random_span_times
    return options


def _embedding(flags: Namespace) -> Section | str:
    """The extractor: the public code counts places from -1, the last token; an offset counts the tokens after it."""
    if flags.linear is None:
        offset = 0 if flags.random_span_mask else -1 - flags.last_token
        name, options = ("mean", {}) if flags.avg_encoding else ("last_token", {"offset": offset} if offset else {})
    else:
        name = {"mean": "mean", "curvature": "difference"}.get(flags.linear, "displacement")
        options = {} if flags.random_span_layer == -1 else {"layer": flags.random_span_layer}
    return {"name": name, **options} if options else name


def _distance(flags: Namespace) -> Section | str:
    if flags.infonce:
        return {"name": "infonce", "temperature": 0.07, "negatives": "batch"}
    if flags.linear == "curvature" and not flags.jepa_mse:
        return "angle"
    return "l2" if flags.jepa_l2 else "mse" if flags.jepa_mse else "cosine"


def _filters(flags: Namespace) -> list[Section]:
    """Loss dropout by step: the public code draws once a micro-batch and process, on which nothing may depend here."""
    if flags.jepa_ratio <= 0:
        return []
    return [{"name": "loss_dropout", "rate": round(1 - min(flags.jepa_ratio, 1.0), 12), "level": "step"}]


def _training(flags: Namespace, script: str) -> Section:
    training: Section = {
        "num_train_epochs": _epochs(flags),
        "per_device_train_batch_size": flags.batch_size,
        "gradient_accumulation_steps": flags.grad_accum,
        "learning_rate": flags.learning_rate,
        "lr_scheduler_type": "constant" if flags.constant_lr else "linear",
        "logging_steps": flags.eval_steps,
        "bf16": True,
        "gradient_checkpointing": True,
        "dataloader_drop_last": True,
    }
    if script == STP and not flags.enable_save:
        training["save_steps"] = None
    return training


def _epochs(flags: Namespace) -> int:
    """The epochs, with --same_flop divided by the cost of the public code's step over the baseline's."""
    if not flags.same_flop:
        return int(flags.num_epochs)
    if flags.jepa_ratio > 0:
        return math.ceil(flags.num_epochs / (1 + flags.jepa_ratio))
    cost = 2 if flags.additive_mask else 1 if flags.regular else 3
    return math.ceil(flags.num_epochs / cost)
