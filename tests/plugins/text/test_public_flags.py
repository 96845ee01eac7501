"""Command lines of the public code, read as it reads them."""

from __future__ import annotations

import re

import pytest

from jepa_plugins.text.public_flags import FLAGS, FlagError, parse_command


def test_a_command_as_it_stands_in_a_script():
    found = parse_command(
        "CUDA_VISIBLE_DEVICES=0 torchrun --nproc_per_node=8 some/finetune.py \\\n  --train_file 'my data.jsonl' --lbd=0.5 --lora"
    )
    assert (found.script, found.launcher) == (
        "finetune.py",
        ["CUDA_VISIBLE_DEVICES=0", "torchrun", "--nproc_per_node=8"],
    )
    assert found.given == {"train_file", "lbd", "lora"}
    assert (found.flags.train_file, found.flags.lbd, found.flags.lora) == ("my data.jsonl", 0.5, True)
    assert (found.flags.max_length, found.flags.plain, found.flags.linear) == (512, False, None)


def test_abbreviations_as_argparse_takes_them():
    assert parse_command("python finetune.py --train_f a --lora_r 4").flags.lora_rank == 4


def test_flags_of_the_large_models_script():
    assert parse_command("finetune8bh200.py --data_file a").flags.data_file == "a"


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("python train.py", "expected a command with one of finetune.py, stp.py, finetune8bh200.py"),
        ("python finetune.py --lamda 0.5", "finetune.py: unknown flag --lamda"),
        ("python finetune.py --predictor_s 2", "unknown flag --predictor_s; did you mean 'predictors'?"),
        ("python finetune.py --linear=e2e", "finetune.py: --linear is a flag of stp.py"),
        ("python stp.py --linear=tube", "stp.py: argument --linear: invalid choice"),
        ("python finetune.py --lbd much", "finetune.py: argument --lbd: invalid float value: 'much'"),
        ("python finetune.py --train", "ambiguous option"),
        ("python finetune.py data.jsonl", "finetune.py: unexpected 'data.jsonl'"),
        ("python finetune.py --train_file 'a", "No closing quotation"),
    ],
)
def test_mistakes_are_told(command, message):
    with pytest.raises(FlagError, match=re.escape(message)) as told:
        parse_command(command)
    assert told.value.exit_status == 2


def test_every_unknown_flag_is_told_at_once():
    with pytest.raises(FlagError) as told:
        parse_command("python stp.py --lamda 0.5 --gama 1")
    assert str(told.value).count("unknown flag") == 2


def test_names_are_told_once():
    assert len({flag.name for flag in FLAGS}) == len(FLAGS) == 56
