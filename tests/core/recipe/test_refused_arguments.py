from __future__ import annotations

from dataclasses import fields

from transformers.training_args import TrainingArguments

from jepa_core.recipe.refused_arguments import REFUSED
from jepa_core.recipe.training_section import TrainingSection


def test_every_training_argument_is_taken_or_refused_with_a_reason():
    known = {field.name for field in fields(TrainingArguments)}
    assert known - set(REFUSED) - set(TrainingSection.model_fields) == set()


def test_nothing_is_both_taken_and_refused():
    assert not set(REFUSED) & set(TrainingSection.model_fields)


def test_everything_taken_exists():
    assert {field.name for field in fields(TrainingArguments)} >= set(TrainingSection.model_fields)


def test_reasons_name_what_to_do_instead():
    assert REFUSED["output_dir"] == "set output_dir at the top of the recipe"
    assert "NTP loss" in REFUSED["label_smoothing_factor"]
    assert REFUSED["push_to_hub"] == REFUSED["hub_token"]
