"""Remarks on what a command of the public code does differently here, each with its condition."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Iterator
from typing import NamedTuple

from jepa_plugins.text.public_flags import Command


class Remark(NamedTuple):
    """when: whether it is about this command; text: may name flags in braces."""

    when: Callable[[Namespace], bool]
    text: str


def _second_rows(flags: Namespace) -> bool:
    """Tells whether views are rows of their own in the public code."""
    return not flags.regular and flags.linear is None


REMARKS = (
    Remark(
        lambda flags: not flags.train_all,
        "Labels: answers and their end tokens. There, the collator makes labels of every token that is not the pad "
        "token: prompts are trained too, and where pad is the end token, the end never is.",
    ),
    Remark(
        lambda flags: flags.train_all,
        "Labels: every token, ends too. There, the end is left out where it is also the pad token.",
    ),
    Remark(
        lambda flags: flags.grad_accum > 1 and not flags.regular,
        "The gradient of a step is the mean over its {grad_accum} micro-batches, as in the baseline. There, the JEPA "
        "arm's is their sum: clipping at norm 1 sets in {grad_accum} times as early.",
    ),
    Remark(
        lambda flags: flags.regular,
        "The baseline is lambda_jepa 0 on the same code path. There, --regular is another trainer with another "
        "gradient.",
    ),
    Remark(
        lambda flags: flags.regular and flags.gamma != 1,
        "--gamma has no effect with --regular there, so it is left out.",
    ),
    Remark(
        lambda flags: flags.jepa_ratio > 0 and not flags.additive_mask and not flags.regular,
        "Loss dropout drops pairs here. There, --jepa_ratio has no effect without --additive_mask.",
    ),
    Remark(
        lambda flags: flags.jepa_ratio > 0 and not flags.regular,
        "Loss dropout is drawn once for all pairs of a step; there, once a micro-batch and process.",
    ),
    Remark(
        lambda flags: flags.lora and flags.predictors > 0 and not flags.regular,
        "Predictor tokens are trained under LoRA. There, their rows stay as they were initialised.",
    ),
    Remark(
        lambda flags: flags.infonce,
        "InfoNCE has the other targets of the micro-batch for negatives, {batch_size} less one, as there: few. Think "
        "of a larger batch.",
    ),
    Remark(
        lambda flags: flags.additive_mask and not flags.regular,
        "--additive_mask chooses a layout: the loss is the same with and without it, and layout auto takes the "
        "fastest. There, it breaks on left padding and on pairs longer than --max_length together.",
    ),
    Remark(
        lambda flags: True,
        "max_length: rows are padded to the longest of their batch, and a longer conversation loses tokens from the "
        "front of its prompt. There, all rows have {max_length} tokens and the end of the answer is cut in silence.",
    ),
    Remark(
        lambda flags: not flags.plain,
        "A row begins with one BOS. There, with tokenizers that add it, the template's comes second.",
    ),
    Remark(
        lambda flags: "gemma" in flags.model_name and _second_rows(flags),
        "The answer alone is rendered as the assistant's turn. There, with Gemma, as the user's.",
    ),
    Remark(
        lambda flags: not flags.pretrain,
        "Weights are float32 under bf16 autocast; there they are bfloat16, whose updates below 1/256 of a weight are "
        "lost. For theirs: model.dtype bfloat16.",
    ),
    Remark(
        lambda flags: flags.pretrain,
        "model.config: the architecture of {model_name} with new weights, in float32; there in bfloat16.",
    ),
    Remark(
        lambda flags: flags.same_flop,
        "--same_flop: as many epochs as there. A second view costs less here: for equal compute compare by FLOPs, "
        "in a study.",
    ),
    Remark(lambda flags: flags.track_flop, "--track_flop: left out; a study counts FLOPs."),
    Remark(
        lambda flags: flags.debug != 0,
        "--debug: left out; jepa-run show-batch, show-mask and verify show what it prints.",
    ),
    Remark(
        lambda flags: flags.lbd_warmup,
        "--lbd_warmup goes over all steps: set lambda_jepa's steps to those of the run, rows x epochs / (batch size x "
        "accumulation x processes).",
    ),
    Remark(
        lambda flags: flags.linear_predictor,
        "The linear predictor starts as the identity, so that training begins where it would without one; there at "
        "random (Xavier).",
    ),
    Remark(
        lambda flags: flags.random_span_mask,
        "A tokenizer without a mask token needs reversal.mask_token: one of its tokens that texts don't use. There, "
        "<|mask|> is added.",
    ),
    Remark(
        lambda flags: flags.linear == "curvature",
        "The curvature is measured at one random place of each conversation, there at all of them: the same in the "
        "mean.",
    ),
    Remark(
        lambda flags: flags.linear == "curvature",
        "The angle of an arc cosine is never negative, so --curvature_sign makes no difference, there as here.",
    ),
    Remark(
        lambda flags: flags.load_lp,
        "--load_lp: left out; the same command again goes on with a run's predictor.",
    ),
    Remark(
        lambda flags: flags.random_span_uniform and (flags.random_span_zero or flags.random_span_max_length >= 0),
        "--random_span_zero and --random_span_max_length have no effect with --random_span_uniform there, so they are "
        "left out.",
    ),
    Remark(
        lambda flags: flags.min_lbd != 0 and not flags.lbd_warmup,
        "--min_lbd has no effect without --lbd_warmup, so it is left out.",
    ),
    Remark(
        lambda flags: bool(flags.linear or flags.random_span_mask) and flags.predictors > 0,
        "--predictors has no effect here: the views are parts of the conversation.",
    ),
    Remark(
        lambda flags: bool(flags.eval_file or (flags.data_file and flags.eval_split > 0)),
        "The evaluation set is evaluated. There it is tokenised, and never used.",
    ),
)


def remarks(command: Command) -> Iterator[str]:
    """Yields the remarks on one command."""
    yield f"From: {command.script} of galilai-group/llm-jepa, by jepa-run convert-flags."
    launcher = [word for word in command.launcher if word.startswith("--nproc")]
    if launcher:
        yield f"Start it with torchrun {' '.join(launcher)} as before: batch sizes are of one process."
    for remark in REMARKS:
        if remark.when(command.flags):
            yield remark.text.format(**vars(command.flags))
