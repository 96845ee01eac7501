"""The flags of the public code of LLM-JEPA and STP (galilai-group/llm-jepa): ``finetune.py`` and ``stp.py``.

Only names, types and defaults are taken from there; docs/LLM_JEPA.md gives their meaning in a recipe.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any, NamedTuple, NoReturn

from jepa_core.errors import JepaError, did_you_mean

FINETUNE, STP = "finetune.py", "stp.py"
#: Script -> the script with the same flags.
SCRIPTS = {FINETUNE: FINETUNE, STP: STP, "finetune8bh200.py": FINETUNE}


class FlagError(JepaError):
    """A command line that the public code would not take, or that has no recipe."""

    exit_status = 2


class Flag(NamedTuple):
    """kind: the type of its value, None for a flag without one; stp: whether it is of stp.py alone."""

    name: str
    kind: type | None
    default: Any = None
    stp: bool = False
    choices: tuple[str, ...] | None = None


FLAGS = (
    Flag("train_file", str),
    Flag("eval_file", str),
    Flag("data_file", str),
    Flag("eval_split", float, 0.2),
    Flag("split_seed", int, 42),
    Flag("model_name", str, "meta-llama/Llama-3.2-1B-Instruct"),
    Flag("output_dir", str, "./llama3-1b-fted"),
    Flag("max_length", int, 512),
    Flag("batch_size", int, 4),
    Flag("grad_accum", int, 4),
    Flag("learning_rate", float, 2e-5),
    Flag("num_epochs", int, 3),
    Flag("eval_steps", int, 10),
    Flag("finetune_seed", int, 42),
    Flag("lora", None),
    Flag("lora_rank", int, 16),
    Flag("predictors", int, 0),
    Flag("lbd", float, 0.1),
    Flag("gamma", float, 1.0),
    Flag("last_token", int, -1),
    Flag("regular", None),
    Flag("pretrain", None),
    Flag("train_all", None),
    Flag("plain", None),
    Flag("additive_mask", None),
    Flag("jepa_ratio", float, -1.0),
    Flag("jepa_l2", None),
    Flag("jepa_mse", None),
    Flag("infonce", None),
    Flag("front_pred", None),
    Flag("reverse_pred", None),
    Flag("track_flop", None),
    Flag("same_flop", None),
    Flag("debug", int, 0),
    Flag("linear", str, None, True, ("e2e", "mean", "random_span", "curvature")),
    Flag("linear_predictor", None, stp=True),
    Flag("load_lp", None, stp=True),
    Flag("lbd_warmup", None, stp=True),
    Flag("min_lbd", float, 0.0, True),
    Flag("length_adjustment", str, None, True, ("cosine_like", "jaccard_like")),
    Flag("random_span_zero", None, stp=True),
    Flag("random_span_e2e", None, stp=True),
    Flag("random_span_all", None, stp=True),
    Flag("random_span_mask", None, stp=True),
    Flag("random_span_mask_recover", None, stp=True),
    Flag("random_span_max_length", int, -1, True),
    Flag("random_span_times", int, 1, True),
    Flag("random_span_draw_both", None, stp=True),
    Flag("random_span_uniform", None, stp=True),
    Flag("random_span_layer", int, -1, True),
    Flag("curvature_sign", None, stp=True),
    Flag("plain_jepa", None, stp=True),
    Flag("same_predictor", None, stp=True),
    Flag("avg_encoding", None, stp=True),
    Flag("constant_lr", None, stp=True),
    Flag("enable_save", None, stp=True),
)


class Command(NamedTuple):
    """A parsed command line: the script, its flags by name, those given, and the words before the script."""

    script: str
    flags: argparse.Namespace
    given: frozenset[str]
    launcher: list[str]


def parse_command(command: str) -> Command:
    """Reads ``[torchrun …|python] finetune.py --flag …``. Raises FlagError."""
    try:
        words = shlex.split(command.replace("\\\n", " "))
    except ValueError as error:
        raise FlagError(f"{command}: {error}") from error
    place = next((i for i, word in enumerate(words) if PurePath(word).name in SCRIPTS), None)
    if place is None:
        raise FlagError(f"expected a command with one of {', '.join(SCRIPTS)}, as in 'python finetune.py --lbd 0.5'")
    script = PurePath(words[place]).name
    flags, given = _parse(SCRIPTS[script], script, words[place + 1 :])
    return Command(script, flags, given, words[:place])


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise FlagError(f"{self.prog}: {message}")


def _parse(of: str, script: str, words: Sequence[str]) -> tuple[argparse.Namespace, frozenset[str]]:
    """Parses flags, with their defaults; returns also the names of those given, even abbreviated."""
    known = [flag for flag in FLAGS if of == STP or not flag.stp]
    found, unknown = _parser(script, known).parse_known_args(words)
    if unknown:
        flagged = [word for word in unknown if word.startswith("--")]  # their values come along
        raise FlagError("\n".join(_unknown(word, script, known) for word in flagged or unknown))
    given = frozenset(vars(found))
    for flag in FLAGS:
        if flag.name not in given:
            setattr(found, flag.name, False if flag.kind is None else flag.default)
    return found, given


def _parser(script: str, known: Sequence[Flag]) -> _Parser:
    parser = _Parser(prog=script, add_help=False, argument_default=argparse.SUPPRESS)
    for flag in known:
        if flag.kind is None:
            parser.add_argument(f"--{flag.name}", action="store_true")
        else:
            parser.add_argument(f"--{flag.name}", type=flag.kind, choices=flag.choices)
    return parser


def _unknown(word: str, script: str, known: Sequence[Flag]) -> str:
    name = word.split("=")[0].lstrip("-")
    if not word.startswith("--"):
        return f"{script}: unexpected '{word}'"
    if any(flag.name == name for flag in FLAGS):
        return f"{script}: --{name} is a flag of {STP}"
    return f"{script}: unknown flag --{name}{did_you_mean(name, [flag.name for flag in known])}"
