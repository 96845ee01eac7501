"""Checks for texts of the evaluation sets that stand in the training file too, by question and by answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from jepa_core.verify.context import Context
from jepa_core.verify.row import Row, Verdict, source_of
from jepa_core.verify.words import count
from jepa_plugins.text.source_part import SourcePart
from jepa_plugins.text.store import text_hash
from jepa_plugins.text.text_set import TextSet
from jepa_plugins.text.tokenise import Tokenise


def overlap(context: Context, tokenise: Tokenise, parts: Sequence[SourcePart]) -> Iterator[Row]:
    """Counts shared questions and answers; only warns, as answers may be few, and trained texts may be meant."""
    del tokenise, parts
    train = context.run.train_dataset
    for name, each in context.run.eval_datasets.items():
        if not isinstance(each, TextSet) or not isinstance(train, TextSet):
            continue
        for kind in ("question", "answer"):
            ours, trained = (getattr(one, f"{kind}_hashes") for one in (each, train))
            both = int(torch.isin(ours, trained).sum())
            told = f"{both:,} of {count(len(ours), kind)} ({both / max(len(ours), 1):.1%})"
            title = f"{kind}s of '{name}' that stand in the training set"
            yield Row(title, Verdict.WARN if both else Verdict.PASS, both, "= 0", told, source_of(text_hash))
